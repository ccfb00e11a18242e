/**
 * What every browser test uses: the real binary in a directory of its own, Debian's browsers, and a watch over each page.
 *
 * Servers are shared within a file by those tests that ask for the same settings; each test has a browser context and a
 * user of its own. A server's clock can't be moved from here, so what is about expiry configures lifetimes of a second.
 */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chromium, firefox } from 'playwright-core';

export const HERE = fileURLToPath(new URL('.', import.meta.url));
const ROOT = join(HERE, '../..');

export const PASSWORD = 'quiet harbour lantern 42';

/** Of every server here: all tests come from one address. */
const SETTINGS = { login_rate_per_ip: '0', register_rate_per_ip: '0' };

const CHROMIUM = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

function binary() {
  const given = process.env.VESTIBULE_BIN;
  const candidates = given ? [given] : ['release', 'debug'].map((profile) => join(ROOT, 'target', profile, 'vestibule'));
  const found = candidates.find((path) => existsSync(path));
  if (!found) throw new Error(`there is no binary at ${candidates.join(' or ')}: build it first`);
  return found;
}

/** A running server. */
export class Server {
  #child;
  #count = 0;
  #environment;

  /** @param {Record<string, string>} settings keys of the configuration */
  static async start(settings = {}, args = []) {
    const server = new Server();
    server.directory = mkdtempSync(join(tmpdir(), 'vestibule-browser-'));
    const pairs = Object.entries({ ...SETTINGS, ...settings });
    const variables = pairs.map(([key, value]) => [`VESTIBULE_${key.toUpperCase()}`, value]);
    server.#environment = { PATH: process.env.PATH, ...Object.fromEntries(variables) };
    const options = { cwd: server.directory, env: server.#environment, stdio: ['ignore', 'pipe', 'pipe'] };
    const child = spawn(binary(), ['dev', '--port', '0', ...args], options);
    server.#child = child;
    // Nothing of a test outlives it.
    process.once('exit', () => child.kill('SIGKILL'));
    server.log = '';
    child.stderr.on('data', (data) => (server.log += data));
    for await (const line of createInterface({ input: child.stdout })) {
      const address = /^listening on http:\/\/(.*):(\d+)$/.exec(line);
      if (address) {
        server.port = Number(address[2]);
        child.stdout.resume();
        server.url = `http://localhost:${server.port}`;
        return server;
      }
    }
    throw new Error(`the server did not start:\n${server.log}`);
  }

  /** The command line on the same data. */
  command(args, input = '') {
    const options = { cwd: this.directory, env: this.#environment, input, encoding: 'utf8' };
    const done = spawnSync(binary(), [...args, '--data-dir', './data-dev'], options);
    assert.equal(done.status, 0, `vestibule ${args.join(' ')}: ${done.stderr}`);
    return done.stdout;
  }

  /** Somebody new. */
  async user() {
    this.#count += 1;
    const name = `person${this.#count}`;
    this.command(['user', 'add', name, '--email', `${name}@example.com`, '--password-stdin'], `${PASSWORD}\n`);
    return { name, email: `${name}@example.com`, password: PASSWORD };
  }

  /** A call without a browser. */
  async call(path, body, headers = {}) {
    const init = body && {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify(body),
    };
    const response = await fetch(this.url + path, init ?? { headers });
    return { status: response.status, headers: response.headers, body: await response.json().catch(() => null) };
  }

  async stop() {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 12_000);
    await ended;
    clearTimeout(timer);
    rmSync(this.directory, { recursive: true, force: true });
  }
}

const servers = new Map();
const browsers = new Map();

/** The server with these settings, started when first asked for. */
export function server(settings = {}, args = []) {
  const key = JSON.stringify([settings, args]);
  if (!servers.has(key)) servers.set(key, Server.start(settings, args));
  return servers.get(key);
}

/** Debian's browser. Firefox by WebDriver BiDi: Playwright's own protocol needs a build of its own. */
export function browser(name = 'chromium', args = []) {
  const key = JSON.stringify([name, args]);
  if (!browsers.has(key)) {
    const launched =
      name === 'firefox'
        ? firefox.launch({ channel: 'moz-firefox', executablePath: '/usr/bin/firefox-esr' })
        : chromium.launch({ executablePath: '/usr/bin/chromium', args: [...CHROMIUM, ...args] });
    browsers.set(key, launched);
  }
  return browsers.get(key);
}

after(async () => {
  const ended = [...browsers.values()].map(async (one) => (await one).close());
  await Promise.allSettled(ended);
  await Promise.allSettled([...servers.values()].map(async (one) => (await one).stop()));
});

/** What a page did that no page of ours may do. */
class Watch {
  complaints = [];
  requests = [];
  #tolerated = [];
  #origins = [];

  /** @param {RegExp} complaint one that this test provokes: a browser notes each refused call as an error */
  tolerate(complaint) {
    this.#tolerated.push(complaint);
  }

  complain(what) {
    if (!this.#tolerated.some((pattern) => pattern.test(what))) this.complaints.push(what);
  }

  /** @param {string} origin that pages of this test may ask */
  allow(origin) {
    this.#origins.push(origin);
  }

  async follow(context) {
    await context.exposeBinding('__violated', (_, what) => this.complain(`CSP: ${what}`));
    await context.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', (event) => {
        globalThis.__violated(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`);
      });
    });
    context.on('request', (request) => {
      this.requests.push(request);
      const url = new URL(request.url());
      if (/^https?:$/.test(url.protocol) && !this.#origins.includes(url.origin)) this.complain(`request to ${url}`);
    });
    context.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) this.complain(`console: ${message.text()}`);
    });
    context.on('weberror', (error) => this.complain(`uncaught: ${error.error()}`));
  }
}

/**
 * A test in a page of its own, which fails also if the page wrote an error into the console, broke its policy, or asked
 * another origin.
 * @param {string} name
 * @param {object} [options]
 * @param {Record<string, string>} [options.settings] of the server
 * @param {object} [options.context] of the browser
 * @param {string} [options.browser]
 * @param {(tools: { page, context, server, watch, at: (path: string) => string }) => Promise<void>} run
 */
export function scenario(name, options, run) {
  if (typeof options === 'function') [options, run] = [{}, options];
  test(name, { timeout: 180_000 }, async (t) => {
    const running = await server(options.settings, options.args);
    const context = await (await browser(options.browser, options.browserArgs)).newContext({
      viewport: { width: 1280, height: 800 },
      ...options.context,
    });
    context.setDefaultTimeout(30_000);
    try {
      const watch = new Watch();
      if (options.browser !== 'firefox') await watch.follow(context);
      watch.allow(running.url);
      const page = await context.newPage();
      await run({ t, page, context, server: running, watch, at: (path) => running.url + path });
      assert.deepEqual(watch.complaints, []);
    } finally {
      await context.close();
    }
  });
}

/** The text of an npm package's file. */
export function module(path) {
  return readFileSync(join(HERE, 'node_modules', path), 'utf8');
}

const STRICT =
  "default-src 'none'; script-src 'nonce-n' 'strict-dynamic'; connect-src *; base-uri 'none'; " +
  "require-trusted-types-for 'script'; trusted-types 'none'";

/** An empty page under the strictest policy, unless another is given. */
function emptyPage({ script = '', policy = STRICT }) {
  return {
    contentType: 'text/html; charset=utf-8',
    headers: policy ? { 'Content-Security-Policy': policy } : {},
    body: `<!doctype html><html lang="en"><head><title>Test</title></head><body>${script}</body></html>`,
  };
}

/** Puts an empty page for modules alone at an address that nobody serves. */
export function scratch(context, address, content) {
  return context.route(address, (route) => route.fulfill(emptyPage(content)));
}

/**
 * Another site on this machine, with a page at `/app`. A real one: what a test puts between browser and network counts as a
 * page from the internet, which Chromium keeps away from local servers.
 * @param {object} content as for `scratch`
 * @param {Record<string, string>} [files] scripts beside it
 */
export async function otherSite(t, content, files = {}) {
  const site = createServer((request, response) => {
    const script = files[request.url];
    const { contentType, headers, body } = script ? { contentType: 'text/javascript', body: script } : emptyPage(content);
    response.writeHead(200, { 'Content-Type': contentType, ...headers }).end(body);
  });
  await new Promise((resolve) => site.listen(0, '127.0.0.1', resolve));
  t.after(() => site.close());
  return `http://localhost:${site.address().port}`;
}

export function median(numbers) {
  return numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)];
}

const later = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * For what is about expiry. Not shorter: what is sent again after a refresh must arrive while the new token lives, also on a
 * machine with much to do.
 */
export const SHORT = { access_token_lifetime: '3s' };

/** Waits until such a token is over: a second more, since times are whole seconds. */
export const untilOver = () => later(4_100);

/** The sentences of the pages, from the one place where they stand. */
export const TEXTS = JSON.parse(readFileSync(join(ROOT, 'templates/texts.json'), 'utf8'));

/** Fills the form for signing in as a person does, and sends it. */
export async function enter(page, { name, password }) {
  await page.locator('#username').pressSequentially(name);
  await page.locator('#password').pressSequentially(password);
  await page.locator('#submit').click();
}

/** Signs in on the page, and waits for the account. */
export async function signIn(page, server, user, next = '') {
  await page.goto(`${server.url}/login${next && `?next=${encodeURIComponent(next)}`}`);
  await enter(page, user);
  await page.waitForURL(`${server.url}${next || '/account'}`);
}

/** Notes what a page reads that could tell devices apart, in `globalThis.read`. */
export function spyOnReading(context) {
  return context.addInitScript(() => {
    globalThis.read = [];
    const note = (owner, name) => {
      const original = owner[name];
      owner[name] = function (...args) {
        globalThis.read.push(name);
        return original.apply(this, args);
      };
    };
    note(HTMLCanvasElement.prototype, 'getContext');
    note(HTMLCanvasElement.prototype, 'toDataURL');
    note(CanvasRenderingContext2D.prototype, 'measureText');
    const noteGetter = (owner, name) => {
      const { get } = Object.getOwnPropertyDescriptor(owner, name);
      Object.defineProperty(owner, name, {
        get() {
          globalThis.read.push(name);
          return get.call(this);
        },
      });
    };
    for (const name of ['plugins', 'hardwareConcurrency', 'maxTouchPoints', 'platform', 'userAgent']) {
      noteGetter(Navigator.prototype, name);
    }
    for (const name of ['width', 'availWidth', 'colorDepth']) noteGetter(Screen.prototype, name);
  });
}
