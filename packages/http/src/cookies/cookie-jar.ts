export interface CookieStore {
  getCookieHeader(url: string): string | undefined | Promise<string | undefined>;
  setFromResponse(url: string, setCookieHeaders: readonly string[]): void | Promise<void>;
}
