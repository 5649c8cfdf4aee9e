import type { Socket } from 'node:net';
import { CheckStop } from './result.ts';
import { REPLY_LIMIT } from './session.ts';

/** A conversation in lines. */
export interface Lines {
  /** The next line, without its end. */
  next(): Promise<string>;
  send(command: string): void;
  /** Sends a command and returns the first line of the answer. */
  command(text: string): Promise<string>;
  /** Stops reading. False if the server has said more than was asked for. */
  release(): boolean;
}

/** Reads lines from a socket, none longer than the limit for a reply. */
export function openLines(socket: Socket): Lines {
  let buffered = '';
  let failure: unknown;
  let wake = (): void => {};
  const onData = (chunk: Buffer): void => {
    buffered += chunk.toString('latin1');
    // Nothing more is read until somebody takes a line.
    socket.pause();
    wake();
  };
  const onEnd = (error?: unknown): void => {
    failure ??= error instanceof Error ? error : new CheckStop('PROTOCOL', 'the server closed the connection');
    wake();
  };
  socket.on('data', onData).on('error', onEnd).on('end', onEnd).on('close', onEnd);

  const next = async (): Promise<string> => {
    for (;;) {
      const end = buffered.indexOf('\n');
      if (end >= 0) {
        const line = buffered.slice(0, end).replace(/\r$/, '');
        buffered = buffered.slice(end + 1);
        return line;
      }
      if (buffered.length > REPLY_LIMIT) throw new CheckStop('PROTOCOL', 'the server sends far too much');
      if (failure !== undefined) throw failure;
      await new Promise<void>((resolve) => {
        wake = resolve;
        socket.resume();
      });
    }
  };
  const send = (text: string): void => {
    socket.write(`${text}\r\n`);
  };
  return {
    next,
    send,
    command: (text) => {
      send(text);
      return next();
    },
    release: () => {
      socket.off('data', onData).off('error', onEnd).off('end', onEnd).off('close', onEnd);
      return buffered === '' && socket.readableLength === 0;
    },
  };
}
