/** Certificates for one run of the tests, made by the system's openssl in a temporary folder. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const call = promisify(execFile);

/** A key and its certificate, as PEM; what `startFaultServer({ tls })` and node:tls take. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
  /** The files they are in, for servers that read files. */
  readonly keyFile: string;
  readonly certFile: string;
}

export interface Certificates extends AsyncDisposable {
  /** What a client has to trust: the authority of all but `selfSigned` and `unknownAuthority`. PEM, and its file. */
  readonly ca: string;
  readonly caFile: string;
  /** For localhost, 127.0.0.1 and ::1. */
  readonly good: Certificate;
  /** For localhost too, signed by itself. */
  readonly selfSigned: Certificate;
  /** For localhost too; was valid for a day in 2020. */
  readonly expired: Certificate;
  /** For localhost too; valid from 2099 on. */
  readonly notYetValid: Certificate;
  /** For `wrong.example` only. */
  readonly wrongHost: Certificate;
  /** For localhost too, signed by an authority that nobody trusts. */
  readonly unknownAuthority: Certificate;
  /** For the client: signed by `ca`, named `client`. */
  readonly client: Certificate;
}

/** False, or why what needs certificates is skipped: `test('…', { skip: missingOpenssl() }, …)`. */
export function missingOpenssl(): string | false {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return false;
  } catch {
    return 'needs openssl on the PATH';
  }
}

const LOCAL = 'DNS:localhost,IP:127.0.0.1,IP:::1';
const [PAST, PAST_END] = ['20200101000000Z', '20200102000000Z'];
const [START, END, FUTURE] = ['20200101000000Z', '21000101000000Z', '20990101000000Z'];

/** Makes all of them, in about a tenth of a second; disposing removes the files. */
export async function makeCertificates(): Promise<Certificates> {
  const folder = await mkdtemp(join(tmpdir(), 'corral-certificates-'));
  const authority = new Authority(folder);
  await Promise.all([authority.found('ca'), authority.found('stranger')]);
  const [good, selfSigned, expired, notYetValid, wrongHost, unknownAuthority, client] = await Promise.all([
    authority.issue('good', LOCAL),
    authority.found('self-signed', LOCAL),
    authority.issue('expired', LOCAL, { from: PAST, to: PAST_END }),
    authority.issue('not-yet-valid', LOCAL, { from: FUTURE, to: END }),
    authority.issue('wrong-host', 'DNS:wrong.example'),
    authority.issue('unknown-authority', LOCAL, { by: 'stranger' }),
    authority.issue('client', 'DNS:client'),
  ]);
  return {
    ca: await readFile(join(folder, 'ca.crt'), 'utf8'),
    caFile: join(folder, 'ca.crt'),
    good,
    selfSigned,
    expired,
    notYetValid,
    wrongHost,
    unknownAuthority,
    client,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

interface Issue {
  readonly by?: string;
  readonly from?: string;
  readonly to?: string;
}

class Authority {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Makes a certificate that is signed by itself. */
  async found(name: string, hosts?: string): Promise<Certificate> {
    const subject = ['-subj', `/CN=corral test ${name}`, '-days', '2'];
    const names = hosts === undefined ? [] : ['-addext', `subjectAltName=${hosts}`];
    await this.#openssl('req', '-x509', ...this.#newKey(name), ...subject, ...names, '-out', `${name}.crt`);
    return await this.#read(name);
  }

  /** Makes a certificate that is signed by the authority of that name. */
  async issue(name: string, hosts: string, { by = 'ca', from = START, to = END }: Issue = {}): Promise<Certificate> {
    // `openssl ca` is the one command of all versions that takes dates; it keeps its books in files.
    const config = `[ca]\ndefault_ca=d\n[d]\ndatabase=${name}.index\nrand_serial=yes\ndefault_md=sha256\npolicy=p\nnew_certs_dir=.\nx509_extensions=e\nemail_in_dn=no\n[p]\ncommonName=supplied\n[e]\nsubjectAltName=${hosts}\nbasicConstraints=CA:FALSE\n[req]\ndistinguished_name=n\n[n]\n`;
    await writeFile(join(this.#folder, `${name}.cnf`), config);
    await writeFile(join(this.#folder, `${name}.index`), '');
    await this.#openssl('req', '-new', ...this.#newKey(name), '-subj', `/CN=${name}`, '-out', `${name}.csr`);
    const dates = ['-startdate', from, '-enddate', to, '-notext', '-batch'];
    const signer = ['-cert', `${by}.crt`, '-keyfile', `${by}.key`];
    await this.#openssl(
      'ca',
      '-config',
      `${name}.cnf`,
      ...signer,
      ...dates,
      '-in',
      `${name}.csr`,
      '-out',
      `${name}.crt`,
    );
    return await this.#read(name);
  }

  #newKey(name: string): string[] {
    return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', `${name}.key`];
  }

  async #read(name: string): Promise<Certificate> {
    const [keyFile, certFile] = [join(this.#folder, `${name}.key`), join(this.#folder, `${name}.crt`)];
    return { key: await readFile(keyFile, 'utf8'), cert: await readFile(certFile, 'utf8'), keyFile, certFile };
  }

  async #openssl(...args: readonly string[]): Promise<void> {
    await call('openssl', [...args], { cwd: this.#folder });
  }
}
