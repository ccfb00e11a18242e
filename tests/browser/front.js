/**
 * A reverse proxy in front of Vestibule, with which a test counts requests, holds or drops responses, and closes connections.
 * Unlike the interception of a browser driver, it works in every browser, and it closes real connections.
 */

import { createServer, request as send } from 'node:http';

/** The page of every test: it imports the client from an address, and has it in `globalThis.auth`. */
const page = (client, options) => `<!doctype html><html lang="en"><head><title>Test</title><link rel="icon" href="data:,"></head>
<body><script type="module">
  import { createClient, AuthError } from ${JSON.stringify(client)};
  const auth = (globalThis.auth = createClient(${JSON.stringify(options)}));
  globalThis.heard = [];
  globalThis.problem = (promise) => promise.then(() => null, (error) => ({
    ...error, response: undefined, name: error.name, message: error.message, ours: error instanceof AuthError,
  }));
  globalThis.follow = () => {
    for (const event of ['signed-in', 'signed-out', 'refreshed', 'expired']) {
      auth.on(event, (state) => globalThis.heard.push(state.reason ? event + ': ' + state.reason : event));
    }
    return auth.ready;
  };
  globalThis.loaded = true;
</script></body></html>`;

/** The proxy, which also serves the page of the test. */
export class Front {
  /** The requests that arrived, as `METHOD /path`. @type {string[]} */
  arrived = [];
  /** The number of answers to lose: the request reaches Vestibule, and its sender loses the connection. */
  loses = { path: '', count: 0 };
  isDown = false;
  /** Is called with each request, as `METHOD /path`. The answer waits for its promise, of the status of a forged answer or null. */
  hold = async () => null;
  #options = {};
  #listener;

  /**
   * Starts a front. Its page is at `/page`, everything else is at Vestibule.
   * @param {import('node:test').TestContext} t
   * @param {{ url: string }} server
   * @param {object} options of `createClient` on the page
   * @param {string} [host]
   */
  static async start(t, server, options, host = 'localhost') {
    const front = new Front();
    const target = new URL(server.url);
    front.#listener = createServer((incoming, outgoing) => front.#pass(target, incoming, outgoing));
    await new Promise((resolve) => front.#listener.listen(0, '127.0.0.1', resolve));
    t.after(() => front.#listener.close());
    front.url = `http://${host}:${front.#listener.address().port}`;
    front.#options = options;
    return front;
  }

  #pass(target, incoming, outgoing) {
    if (this.isDown) return incoming.socket.destroy();
    const { method, url, headers } = incoming;
    if (url.startsWith('/page')) {
      const { client = `${this.url}/static/client.js`, ...options } = this.#options;
      return outgoing.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' }).end(page(client, options));
    }
    if (method !== 'OPTIONS') this.arrived.push(`${method} ${url}`);
    const isLost = url === this.loses.path && method !== 'OPTIONS' && this.loses.count > 0;
    if (isLost) this.loses.count -= 1;
    const onward = send({ host: '127.0.0.1', port: target.port, method, path: url, headers }, (answer) => {
      if (isLost) return answer.resume().on('end', () => incoming.socket.destroy());
      this.hold(`${method} ${url}`).then((forged) => {
        if (forged) return answer.resume() && outgoing.writeHead(forged, { 'Content-Type': 'text/html' }).end('<h1>Proxy</h1>');
        // Nothing is cached, so that each page loads all modules.
        outgoing.writeHead(answer.statusCode, { ...answer.headers, 'cache-control': 'no-store' });
        return answer.pipe(outgoing);
      });
    });
    onward.on('error', () => incoming.socket.destroy());
    incoming.pipe(onward);
  }

  /** Holds each answer to a request for half a second, so that requests of other tabs fall into this time. */
  slow(request) {
    this.hold = async (arrived) => {
      if (arrived === request) await new Promise((resolve) => setTimeout(resolve, 500));
      return null;
    };
  }

  /** Returns the number of requests such as `POST /auth/refresh`. */
  count(request) {
    return this.arrived.filter((one) => one === request).length;
  }

  /** Opens the page in a tab. */
  async open(tab) {
    await tab.goto(`${this.url}/page`);
    await tab.waitForFunction(() => globalThis.loaded);
    return tab;
  }
}

/** An API of one's own: it answers with the Authorization header, and allows every origin (CORS). */
export async function api(t, answer = (request) => [200, { authorization: request.headers.authorization ?? null }]) {
  const asked = [];
  const listener = createServer((request, response) => {
    const cors = {
      'Access-Control-Allow-Origin': request.headers.origin ?? '*',
      'Access-Control-Allow-Credentials': 'true',
      'Access-Control-Allow-Headers': 'authorization, content-type',
      'Access-Control-Allow-Methods': 'GET, POST',
    };
    if (request.method === 'OPTIONS') return response.writeHead(204, cors).end();
    asked.push(request.headers.authorization);
    const [status, body] = answer(request);
    return response.writeHead(status, { ...cors, 'Content-Type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise((resolve) => listener.listen(0, '127.0.0.1', resolve));
  t.after(() => listener.close());
  return { url: `http://localhost:${listener.address().port}`, asked };
}
