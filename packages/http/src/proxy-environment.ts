export function proxyFor(_url: URL, _environment: Readonly<Record<string, string | undefined>>): URL | undefined {
  return undefined;
}
