/** PASETO's pre-authentication encoding: two different lists of pieces never give one message (docs/format.md section 1). */
export function pae(pieces: readonly Uint8Array[]): Buffer {
  return Buffer.concat([le64(pieces.length), ...pieces.flatMap((piece) => [le64(piece.length), piece])]);
}

/** A length as eight bytes, the least significant first. */
export function le64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}
