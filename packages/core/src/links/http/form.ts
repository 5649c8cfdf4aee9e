/** More than any form of ours has; one-click sends 26 bytes. */
const MAX_BYTES = 16_384;

/**
 * The fields of a posted form, urlencoded or multipart (RFC 8058 allows both). A body that is too long or no form gives no
 * fields: who posts to a valid link unsubscribes whatever stands in it.
 */
export async function readForm(request: Request): Promise<ReadonlyMap<string, string>> {
  const bytes = await readBytes(request);
  const fields = new Map<string, string>();
  if (!bytes) return fields;
  const type = request.headers.get('content-type') ?? 'application/x-www-form-urlencoded';
  try {
    const form = await new Response(bytes, { headers: { 'content-type': type } }).formData();
    for (const [name, value] of form) if (typeof value === 'string') fields.set(name, value);
  } catch {
    // not a form
  }
  return fields;
}

/** Whether a mail program's own button sent it. */
export function isOneClick(fields: ReadonlyMap<string, string>): boolean {
  return fields.get('List-Unsubscribe')?.trim().toLowerCase() === 'one-click';
}

// --- internal ---

async function readBytes(request: Request): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (!request.body) return undefined;
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of request.body) {
      length += chunk.length;
      if (length > MAX_BYTES) return undefined;
      chunks.push(chunk);
    }
  } catch {
    return undefined; // the sender went away in the middle
  }
  return new Uint8Array(Buffer.concat(chunks));
}
