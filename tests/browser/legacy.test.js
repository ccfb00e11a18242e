/**
 * A page that was written for fastapi-simple-jwt, with the two libraries that it loads. It must work without a change.
 *
 * The libraries are the real npm packages. The calls are those of the page's script: paths, field names, and fifteen fields of
 * the fingerprint. The page is served from the server's own origin, and from another origin.
 */

import assert from 'node:assert/strict';
import { module, otherSite, scenario, scratch } from './support.js';

const LIBRARIES = {
  '/fp.min.js': '@fingerprintjs/fingerprintjs/dist/fp.min.js',
  '/client.min.js': 'clientjs/dist/client.min.js',
};

/**
 * Returns the page. It differs from the original in the address of the server, and FingerprintJS sends no monitoring request
 * (one load in a thousand).
 */
const page = (server) => `
  <script src="/fp.min.js"></script>
  <script src="/client.min.js"></script>
  <script>
    async function getFingerprint() {
      const fp = await FingerprintJS.load({ monitoring: false });
      const result = await fp.get();
      const client = new ClientJS();
      return {
        visitorId: result.visitorId,
        userAgent: client.getUserAgent(),
        os: client.getOS(),
        osVersion: client.getOSVersion(),
        browser: client.getBrowser(),
        browserVersion: client.getBrowserVersion(),
        screenPrint: client.getScreenPrint(),
        timezone: client.getTimeZone(),
        language: client.getLanguage(),
        cpu: client.getCPU(),
        plugins: client.getPlugins(),
        fonts: client.getFonts(),
        canvasPrint: client.getCanvasPrint(),
        deviceMemory: navigator.deviceMemory || 'unknown',
        hardwareConcurrency: navigator.hardwareConcurrency || 'unknown',
      };
    }
    async function post(path, body, access) {
      const headers = { 'Content-Type': 'application/json' };
      if (access) headers.Authorization = 'Bearer ' + access;
      const init = body === undefined ? { headers } : { method: 'POST', headers, body: JSON.stringify(body) };
      const response = await fetch('${server}' + path, init);
      return { status: response.status, body: await response.json() };
    }
  </script>`;

const files = () => Object.fromEntries(Object.entries(LIBRARIES).map(([path, file]) => [path, module(file)]));

async function openHere({ context, page: tab, server }) {
  for (const [path, body] of Object.entries(files())) {
    await context.route(server.url + path, (route) => route.fulfill({ contentType: 'text/javascript', body }));
  }
  await scratch(context, `${server.url}/old-page`, { script: page(''), policy: null });
  await tab.goto(`${server.url}/old-page`);
}

async function openElsewhere({ t, page: tab, server, watch }) {
  const site = await otherSite(t, { script: page(server.url), policy: null }, files());
  watch.allow(site);
  await tab.goto(`${site}/app`);
}

async function wholeLife({ page: tab, server, watch }) {
  watch.tolerate(/401/);
  const ada = await server.user();
  const seen = await tab.evaluate(async ([email, password]) => {
    const fingerprint = await getFingerprint();
    const login = await post('/auth/login', { email, password, fingerprint });
    const { access_token: access, refresh_token: first } = login.body;
    const sessions = await post('/auth/active_sessions', undefined, access);
    const unbound = await post('/auth/refresh', { refresh_token: first });
    const refreshed = await post('/auth/refresh', { refresh_token: first, fingerprint: await getFingerprint() });
    const others = await post('/auth/revoke_other_session', { refresh_token: refreshed.body.refresh_token, fingerprint },
      refreshed.body.access_token);
    const logout = await post('/auth/logout', { refresh_token: refreshed.body.refresh_token, fingerprint });
    const after = await post('/auth/refresh', { refresh_token: refreshed.body.refresh_token, fingerprint });
    return { fingerprint, login, sessions, unbound, refreshed, others, logout, after };
  }, [ada.email, ada.password]);
  assert.equal(Object.keys(seen.fingerprint).length, 15);
  assert.match(seen.fingerprint.canvasPrint, /^data:image\/png/);
  assert.equal(seen.login.status, 200);
  assert.deepEqual(seen.sessions.body.map((one) => [one.device_bound, one.current]), [[true, true]]);
  assert.deepEqual([seen.unbound.status, seen.unbound.body.error], [401, 'device_mismatch']);
  assert.equal(seen.refreshed.status, 200);
  assert.notEqual(seen.refreshed.body.refresh_token, seen.login.body.refresh_token);
  assert.equal(seen.others.status, 200);
  assert.deepEqual([seen.logout.status, seen.logout.body.detail], [200, 'Logged out']);
  assert.equal(seen.after.status, 401);
}

scenario('FingerprintJS 3 and ClientJS sign in, refresh and sign out from the same origin, bound to the browser', async (tools) => {
  await openHere(tools);
  await wholeLife(tools);
});

scenario('FingerprintJS 3 and ClientJS do the same from another origin', async (tools) => {
  await openElsewhere(tools);
  await wholeLife(tools);
});

// A site that replaces its old page script by this module changes the canvas and the list of fonts of every session, and with them
// all that identifies its browsers. With `log` for the time of the change nobody signs in again.
for (const [policy, status] of [['enforce', 401], ['log', 200]]) {
  scenario(`static/fingerprint.js refreshes a session that the old page opened with ${policy}: ${status}`, { settings: { fingerprint_policy: policy } }, async (tools) => {
    const { page: tab, server, context } = tools;
    await openElsewhere(tools);
    const ada = await server.user();
    const [login, old] = await tab.evaluate(async ([email, password]) => {
      const fingerprint = await getFingerprint();
      return [await post('/auth/login', { email, password, fingerprint }), fingerprint];
    }, [ada.email, ada.password]);
    const script = `<script type="module" nonce="n">
      import { collect } from '/static/fingerprint.js';
      globalThis.print = await collect();
    </script>`;
    await scratch(context, `${server.url}/scratch`, { script });
    await tab.goto(`${server.url}/scratch`);
    await tab.waitForFunction(() => globalThis.print);
    const own = await tab.evaluate(() => globalThis.print);
    const same = ['os', 'osVersion', 'browser', 'browserVersion', 'userAgent', 'screenPrint', 'language', 'cpu', 'plugins',
      'deviceMemory', 'hardwareConcurrency'];
    for (const field of same) assert.equal(own[field], old[field], field);
    const refreshed = await server.call('/auth/refresh', { refresh_token: login.body.refresh_token, fingerprint: own });
    tools.t.diagnostic(`refresh of an old page's session by our own module: ${refreshed.status} ${refreshed.body.error ?? ''}`);
    assert.equal(refreshed.status, status);
  });
}
