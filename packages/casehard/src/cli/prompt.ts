import { CasehardError } from '@casehard/core';
import { confirm, isCancel, password, text } from '@clack/prompts';

/** Whether a person can be asked. */
export function isInteractive(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true;
}

/** Asks for a yes on the terminal. Without a terminal: throws USAGE that names the option which says yes. */
export async function askYes(question: string, option: string): Promise<boolean> {
  if (!isInteractive()) {
    throw new CasehardError('USAGE', `needs a yes: ${question}`, { hint: `add ${option}` });
  }
  const answer = await confirm({ message: question, initialValue: false, output: process.stderr });
  return !isCancel(answer) && answer;
}

/** Asks for a line on the terminal. Without a terminal: throws USAGE that names the option which gives it. */
export async function askText(question: string, option: string): Promise<string> {
  if (!isInteractive()) {
    throw new CasehardError('USAGE', `needs an answer: ${question}`, { hint: `add ${option}` });
  }
  const answer = await text({ message: question, output: process.stderr });
  if (isCancel(answer)) throw new CasehardError('CANCELLED', 'nothing was done');
  return answer ?? '';
}

/** A secret from the terminal, not echoed, or from stdin: everything up to the end, less one line end. Never from argv. */
export async function readSecret(question: string): Promise<string> {
  if (isInteractive()) {
    const answer = await password({ message: question, output: process.stderr });
    if (isCancel(answer)) throw new CasehardError('CANCELLED', 'nothing was changed');
    return answer ?? '';
  }
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk));
  const bytes = Buffer.concat(chunks);
  const text = bytes.toString('utf8');
  if (!Buffer.from(text, 'utf8').equals(bytes)) {
    throw new CasehardError('USAGE', 'the value on stdin is not UTF-8', { hint: 'convert it, for example with iconv' });
  }
  return text.replace(/\r?\n$/, '');
}
