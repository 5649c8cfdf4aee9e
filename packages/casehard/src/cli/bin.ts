#!/usr/bin/env node
// This file and its imports up to the dynamic one must load on any Node, so that an old one gets a sentence.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(`casehard needs Node 22.18 or newer; this is ${process.version}\n`);
  process.exitCode = 1;
} else {
  // node:sqlite still announces itself as experimental on Node 22 and 24; everything else is shown.
  const emit = process.emitWarning.bind(process);
  process.emitWarning = (warning, ...rest) => {
    if (!String(warning).includes('SQLite is an experimental feature')) emit(warning, ...(rest as []));
  };
  // Whoever reads us may stop reading: `casehard status | head`.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  }
  const { main } = await import('./main.ts');
  process.exitCode = await main(process.argv.slice(2));
}

export {};
