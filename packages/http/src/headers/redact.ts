const HIDDEN = '***';

/** Names of parameters that are secrets, without their punctuation. */
const SECRET =
  /^(?:auth|authorization|code|credential|credentials|jwt|key|pass|passwd|pw|pwd|sid|sig|xamzcredential|xgoogcredential)$|(?:accesskey|apikey|assertion|password|passphrase|privatekey|secret|secretkey|sessionid|signature|token)$/;

/** Whether a parameter of this name holds a secret: `token`, `api_key`, `X-Amz-Signature` and the like. */
export function isSecretName(name: string): boolean {
  return SECRET.test(name.toLowerCase().replaceAll(/[^a-z\d]/g, ''));
}

/**
 * A URL as it may be shown in messages and logs: what stands before `@` and the values of secret parameters are `***`.
 *
 * Guarantees: never throws, whatever it is given; all else stays as it was written.
 *
 * @example What comes out
 * ```ts no-check
 * redactUrl('https://me:pw@example.com/a?page=2&access_token=abc'); // 'https://***@example.com/a?page=2&access_token=***'
 * ```
 */
export function redactUrl(url: string | URL): string {
  const text = String(url);
  if (!/[@=]/.test(text)) return text; // most of them
  const [, before = '', rest = ''] = /^([a-z][a-z\d+.-]*:\/\/|\/\/)?(.*)$/is.exec(text) ?? [];
  const end = before ? rest.search(/[/?#\\]/) : 0;
  const authority = end < 0 ? rest : rest.slice(0, end);
  const at = authority.lastIndexOf('@');
  const host = at < 0 ? authority : HIDDEN + authority.slice(at);
  return before + host + redactParameters(rest.slice(authority.length));
}

function redactParameters(text: string): string {
  return text.replaceAll(/([?&;#])([^=&;#?]*)=([^&;#]*)/g, (all, mark: string, name: string, value: string) =>
    value !== '' && isSecretName(decoded(name)) ? `${mark}${name}=${HIDDEN}` : all,
  );
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
