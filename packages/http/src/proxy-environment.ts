import { shown } from './internal/checks.ts';
import { isBypassed } from './no-proxy.ts';

/** Environment variables, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The proxy that the environment names for a URL; undefined when it is to be connected to directly.
 *
 * Looks for `http_proxy` or `https_proxy`, by the scheme of the URL, then `all_proxy`; each in lower case first, then in
 * capitals. The first that is set decides: empty, it says that there is no proxy. `HTTP_PROXY` is not looked at where
 * `REQUEST_METHOD` is set, as in a CGI program it is a header that anybody can send. A value without a scheme is an http
 * proxy. What `no_proxy` lists is connected to directly: see {@link isBypassed}.
 *
 * The result may have a user name and a password.
 *
 * @throws {TypeError} when the value is no http or https URL; SOCKS is not supported. It is not shown, as it may hold a password.
 */
export function proxyFor(url: URL, env: Environment): URL | undefined {
  const names = namesFor(url, env);
  const name = names.find((name) => valueOf(env, name) !== undefined);
  const value = name === undefined ? '' : (valueOf(env, name) ?? '');
  if (name === undefined || value === '') return undefined;
  const exceptions = valueOf(env, 'no_proxy') ?? valueOf(env, 'NO_PROXY') ?? '';
  return isBypassed(url, exceptions) ? undefined : parseProxy(value, name);
}

function namesFor(url: URL, env: Environment): readonly string[] {
  if (url.protocol === 'https:') return ['https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY'];
  if (url.protocol !== 'http:') return [];
  const cgi = valueOf(env, 'REQUEST_METHOD') !== undefined;
  return ['http_proxy', ...(cgi ? [] : ['HTTP_PROXY']), 'all_proxy', 'ALL_PROXY'];
}

/** Of its own, as what somebody put on a prototype is no environment. */
function valueOf(env: Environment, name: string): string | undefined {
  return Object.hasOwn(env, name) ? env[name]?.trim() : undefined;
}

function parseProxy(value: string, name: string): URL {
  const hasScheme = /^[a-z][a-z\d+.-]*:\/\//i.test(value);
  let proxy: URL;
  try {
    proxy = new URL(hasScheme ? value : `http://${value}`);
  } catch {
    throw refused(name, 'something else');
  }
  if (proxy.protocol !== 'http:' && proxy.protocol !== 'https:') throw refused(name, shown(`${proxy.protocol}//…`));
  proxy.pathname = '/';
  proxy.search = '';
  proxy.hash = '';
  return proxy;
}

function refused(name: string, what: string): TypeError {
  return new TypeError(`Cannot use the proxy in ${name} as it must be an http or https URL: current value is ${what}`);
}
