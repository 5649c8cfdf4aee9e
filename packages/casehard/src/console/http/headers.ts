/**
 * The headers of every page. Nothing is loaded from elsewhere, nothing is framed, no script or style runs without the
 * nonce of this very answer, and nothing is kept by a cache. `same-origin` instead of `no-referrer`, because with the
 * latter browsers send `Origin: null` with our own forms.
 */
export function pageHeaders(nonce: string, options: { readonly https: boolean }): Record<string, string> {
  return {
    'content-security-policy': [
      "default-src 'none'",
      `style-src 'nonce-${nonce}'`,
      `script-src 'nonce-${nonce}'`,
      "img-src 'self'",
      "connect-src 'self'",
      "form-action 'self'",
      "base-uri 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
    'cache-control': 'no-store',
    'referrer-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'x-robots-tag': 'noindex, nofollow',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(), microphone=(), geolocation=(), payment=()',
    ...(options.https ? { 'strict-transport-security': 'max-age=31536000' } : {}),
  };
}
