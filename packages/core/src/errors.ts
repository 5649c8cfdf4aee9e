/** Why a sealed-looking value does not open; the codes of docs/format.md section 2, "Open". For operators' eyes. */
export type OpenFailure =
  | 'NOT_SEALED'
  | 'CASE_DAMAGED'
  | 'UNKNOWN_VERSION'
  | 'TRUNCATED'
  | 'MALFORMED'
  | 'TOO_LARGE'
  | 'UNKNOWN_KEY'
  | 'WITHDRAWN_KEY'
  | 'CONTEXT_POLICY'
  | 'MAC'
  | 'CORRUPT_FRAME';

/** Every condition a program can meet. Codes are stable; messages may be reworded. */
export type ErrorCode =
  // a value
  | 'CANNOT_OPEN' // a stored value does not open; `reason` says why, for operators
  | 'NOT_TEXT' // the content is bytes and was asked for as text
  | 'NOT_WELL_FORMED' // text with lone surrogates
  | 'TOO_LONG' // does not fit its column, or the format
  | 'BAD_ROW' // the row key is missing or not of its declared type
  | 'SECRET_NEEDED' // where a stored credential goes would change: it must be typed again
  | 'CHANGED_MEANWHILE' // somebody else has saved since it was read
  // keys and settings
  | 'KEY_MISSING' // sealed values exist, or the field is strict, and no key is configured
  | 'KEY_FORMAT' // a key text that is not a key
  | 'KEY_CHECKSUM' // a chkey1 text whose kid does not match
  | 'KEY_IN_WRONG_SETTING' // a tracking key where a sealing key belongs, or the reverse
  | 'KEY_CONFLICT' // two sources give different values, or two keys have one kid
  | 'KEY_NOT_KNOWN_HERE' // the database's sealed values were made under other keys
  | 'PREVIOUS_KEY_MISSING' // values are still under a key that is not configured any more
  | 'KEY_WITHDRAWN' // values are still under a key that is withdrawn
  | 'KEY_IN_USE' // a key cannot be withdrawn yet
  | 'BACKUP' // a key backup cannot be made, opened or proven
  | 'KEY_SOURCE' // a key source cannot be read
  // configuration and use
  | 'CONFIG' // the configuration is wrong; the message names the place
  | 'UNKNOWN_FIELD' // no field has this name
  | 'NOT_ADOPTED' // harden before the application can read sealed values
  | 'USAGE' // the command was called wrongly
  // the database
  | 'DATABASE' // the database refused or is away
  | 'READ_ONLY' // a replica or a read-only database
  | 'ROWS_HIDDEN' // row-level security hides rows
  | 'UPGRADE_PENDING' // a column is too narrow, or our tables are missing
  | 'REFUSED' // a rule of docs/operations.md forbids it here; the message says which
  | 'AUDIT' // the audit trail was altered, or an act cannot be recorded
  | 'NOT_FOUND' // no such table, column or row
  | 'CANCELLED'; // stopped by the caller's signal

export interface ErrorDetails {
  /** What the person should do next, one sentence. */
  readonly hint?: string;
  /** The field's logical name. */
  readonly field?: string;
  /** The key id involved; public. */
  readonly kid?: string;
  /** For CANNOT_OPEN: which check failed. Kept out of `message` and JSON, so that clients see one opaque error. */
  readonly reason?: OpenFailure | 'EMPTY' | 'FOREIGN' | 'UNEXPECTED';
  readonly cause?: unknown;
}

/**
 * The one error class of casehard. `message` is for the log, `hint` for the person; neither ever holds a plaintext, a
 * key or a sealed value. `reason` tells operators why a value did not open and is not enumerable, so that an error
 * sent to a client as JSON says nothing but its code and message.
 */
export class CasehardError extends Error {
  override readonly name = 'CasehardError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  declare readonly field: string | undefined;
  declare readonly kid: string | undefined;
  declare readonly reason: ErrorDetails['reason'];

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = details.hint;
    for (const key of ['field', 'kid', 'reason'] as const) {
      Object.defineProperty(this, key, { value: details[key], enumerable: false });
    }
  }

  toJSON(): { name: string; code: ErrorCode; message: string } {
    return { name: this.name, code: this.code, message: this.message };
  }
}
