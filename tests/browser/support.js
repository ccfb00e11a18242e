/**
 * Helpers of all browser tests: the real binary in a directory of its own, Debian's browsers, and a check of each page.
 *
 * Within a file the tests with the same settings share a server. Each test has a browser context and users of its own. The
 * server's clock can't be changed from here, so tests of expiry configure a lifetime of a few seconds.
 */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chromium, firefox } from 'playwright-core';

export const HERE = fileURLToPath(new URL('.', import.meta.url));
const ROOT = join(HERE, '../..');

export const PASSWORD = 'quiet harbour lantern 42';

/** The settings of every server here. The limits by IP address are off, because all tests come from one address. */
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
    // Without users, so that there is no admin yet.
    writeFileSync(join(server.directory, 'users.toml'), '');
    const child = spawn(binary(), ['dev', '--port', '0', '--seed', 'users.toml', ...args], options);
    server.#child = child;
    // The server must not outlive the test process.
    process.once('exit', () => child.kill('SIGKILL'));
    server.log = '';
    child.stderr.on('data', (data) => (server.log += data));
    server.output = '';
    child.stdout.on('data', (data) => (server.output += data));
    server.port = Number(await server.#printed(/^listening on http:\/\/.*:(\d+)$/m));
    server.url = `http://localhost:${server.port}`;
    return server;
  }

  /** Waits until the server has printed a line of this form. Returns the group of the pattern. */
  async #printed(pattern) {
    for (;;) {
      const found = pattern.exec(this.output);
      if (found) return found[1];
      if (this.#child.exitCode !== null) throw new Error(`the server did not start:\n${this.log}`);
      await later(10);
    }
  }

  /** Returns the path of the link for the first admin, which the server prints at its start. */
  setUpLink() {
    return this.#printed(/(\/setup\?token=\S+)$/m);
  }

  /** Invites a new user. Returns the name, and the path of the link. */
  invite() {
    this.#count += 1;
    const name = `guest${this.#count}`;
    const [link] = /\/link\?token=\S+/.exec(this.command(['user', 'invite', name]));
    return { name, link };
  }

  /** Runs a command on the data of the server. */
  command(args, input = '') {
    const options = { cwd: this.directory, env: this.#environment, input, encoding: 'utf8' };
    const done = spawnSync(binary(), [...args, '--data-dir', './data-dev'], options);
    assert.equal(done.status, 0, `vestibule ${args.join(' ')}: ${done.stderr}`);
    return done.stdout;
  }

  /** Adds a new user. */
  async user() {
    this.#count += 1;
    const name = `person${this.#count}`;
    this.command(['user', 'add', name, '--email', `${name}@example.com`, '--password-stdin'], `${PASSWORD}\n`);
    return { name, email: `${name}@example.com`, password: PASSWORD };
  }

  /** Sends a request without a browser: a POST with this body as JSON, or a GET if there is no body. */
  async call(path, body, headers = {}) {
    const init = body && {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify(body),
    };
    const response = await fetch(this.url + path, init ?? { headers });
    return { status: response.status, headers: response.headers, body: await response.json().catch(() => null) };
  }

  /** Stops the server, with SIGKILL after 12 seconds, and removes its directory. */
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

/** Returns the server with these settings. Starts it at the first call. */
export function server(settings = {}, args = []) {
  const key = JSON.stringify([settings, args]);
  if (!servers.has(key)) servers.set(key, Server.start(settings, args));
  return servers.get(key);
}

/**
 * Returns Debian's browser. Starts it at the first call. Firefox is controlled through WebDriver BiDi, because Playwright's
 * own protocol needs a build of its own.
 */
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

/**
 * The actions of a page that no page of this server may do: console errors, violations of its policy, requests to other
 * origins.
 */
class Watch {
  complaints = [];
  requests = [];
  #tolerated = [];
  #origins = [];

  /** @param {RegExp} complaint a message that this test causes: a browser writes an error for each refused request */
  tolerate(complaint) {
    this.#tolerated.push(complaint);
  }

  complain(what) {
    if (!this.#tolerated.some((pattern) => pattern.test(what))) this.complaints.push(what);
  }

  /** @param {string} origin an origin to which pages of this test may send requests */
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
 * Defines a test with a page of its own. In Chromium the test also fails if the page wrote an error or a warning to the
 * console, violated its policy, or sent a request to another origin.
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

/** Returns the text of a file in an npm package. */
export function module(path) {
  return readFileSync(join(HERE, 'node_modules', path), 'utf8');
}

const STRICT =
  "default-src 'none'; script-src 'nonce-n' 'strict-dynamic'; connect-src *; base-uri 'none'; " +
  "require-trusted-types-for 'script'; trusted-types 'none'";

/** Returns an empty page with the strictest Content-Security-Policy, unless another policy is given. */
function emptyPage({ script = '', policy = STRICT }) {
  return {
    contentType: 'text/html; charset=utf-8',
    headers: policy ? { 'Content-Security-Policy': policy } : {},
    body: `<!doctype html><html lang="en"><head><title>Test</title></head><body>${script}</body></html>`,
  };
}

/** Serves an empty page for tests of modules, at an address that no server serves. */
export function scratch(context, address, content) {
  return context.route(address, (route) => route.fulfill(emptyPage(content)));
}

/**
 * Starts a server for another site on this machine, with an empty page at every path except those of `files`. Returns its
 * address. It must be a real server: Chromium treats a page that a test inserts between browser and network as a page from the
 * internet, and blocks its requests to local servers.
 * @param {object} content as for `scratch`
 * @param {Record<string, string>} [files] the scripts of the site, by path
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

/** Returns the median; of an even number of values, the upper of the two in the middle. */
export function median(numbers) {
  return numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)];
}

const later = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * The settings for tests of expiry. The lifetime is not shorter, because a request that is repeated after a refresh must arrive
 * before the new token expires, also on a busy machine.
 */
export const SHORT = { access_token_lifetime: '3s' };

/** Waits until a token of this lifetime has expired. The wait is a second longer, because times are whole seconds. */
export const untilOver = () => later(4_100);

/** The sentences of the pages, from the file that the server reads too. */
export const TEXTS = JSON.parse(readFileSync(join(ROOT, 'templates/texts.json'), 'utf8'));

/** Returns the button that shows the password of a field. */
export const revealing = (page, id) => page.locator(`button[aria-controls="${id}"]`);

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

/** Records in `globalThis.read` each use of a property or method that could distinguish devices. */
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
