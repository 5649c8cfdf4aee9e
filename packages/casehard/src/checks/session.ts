import type { Socket } from 'node:net';
import type { CheckPolicy } from './policy.ts';
import { CheckStop } from './result.ts';

/** The most that a server may say in one reply. */
export const REPLY_LIMIT = 64 * 1024;

/** One run of one check: its time, its sockets, and what is known about the connection so far. */
export class Session {
  readonly policy: CheckPolicy;
  /** Never resolves; rejects when the time is up, the caller cancels, or the server floods us. */
  readonly stopped: Promise<never>;
  /** The `ip:port` that was dialled last. */
  address: string | undefined;
  certificate: 'verified' | 'not verified' | 'none' | undefined;
  readonly #deadline: number;
  readonly #sockets = new Set<Socket>();
  readonly #timers: NodeJS.Timeout[];
  #ended: CheckStop | undefined;
  #reject: (stop: CheckStop) => void = () => {};
  readonly #onAbort = (): void => this.#end(CANCELLED());

  constructor(policy: CheckPolicy) {
    const timeout = policy.timeoutMs ?? DEFAULT_TIMEOUT;
    this.policy = policy;
    this.#deadline = performance.now() + timeout;
    this.stopped = new Promise((_, reject) => {
      this.#reject = reject;
    });
    this.stopped.catch(() => {});
    this.#timers = [
      setTimeout(() => this.#end(SILENCE()), timeout),
      // A library's own limit is for one reply; many small ones are counted here, where nobody can forget it.
      setInterval(() => this.#meter(), METER_EVERY),
    ];
    policy.signal?.addEventListener('abort', this.#onAbort, { once: true });
    if (policy.signal?.aborted) this.#onAbort();
  }

  /** Milliseconds left, at least one. */
  remaining(): number {
    return Math.max(1, this.#deadline - performance.now());
  }

  /** Throws once the check is over, so that work in the background dials nothing any more. */
  throwIfOver(): void {
    if (this.#ended !== undefined) throw this.#ended;
  }

  /** Takes charge of a socket: it is destroyed when the check is over, whatever a library does with it. */
  keep<S extends Socket>(socket: S): S {
    // Errors are heard where they matter; a late one must not end the process.
    socket.on('error', () => {});
    this.#sockets.add(socket);
    if (this.#ended !== undefined) socket.destroy();
    return socket;
  }

  close(): void {
    this.#end(CANCELLED());
  }

  #end(stop: CheckStop): void {
    this.#ended ??= stop;
    for (const timer of this.#timers) clearTimeout(timer);
    this.policy.signal?.removeEventListener('abort', this.#onAbort);
    this.#reject(this.#ended);
    for (const socket of this.#sockets) socket.destroy();
  }

  #meter(): void {
    for (const socket of this.#sockets) {
      if (socket.bytesRead > SESSION_LIMIT) this.#end(new CheckStop('PROTOCOL', 'the server sends far too much'));
    }
  }
}

// --- internal ---

const DEFAULT_TIMEOUT = 10_000;
const METER_EVERY = 20;
/** Certificates and several replies fit in; a flood does not. */
const SESSION_LIMIT = 4 * REPLY_LIMIT;

const CANCELLED = (): CheckStop => new CheckStop('CANCELLED', 'the check was cancelled');

/** The time is up. */
function SILENCE(): CheckStop {
  return new CheckStop(
    'TIMEOUT',
    'the server did not answer in time: check the port (465, 993 and 995 expect TLS from the start) and the firewall',
  );
}
