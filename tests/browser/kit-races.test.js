/**
 * Attacks on the front-end kit, `static/client.js`: answers that arrive late, from a proxy, or in another order than they were
 * asked for, while another tab signs in or out. A session is not lost by them, and a request of one user is not sent as another.
 */

import assert from 'node:assert/strict';
import { REFRESH, everywhere, follow, heard, login, me, state, tabs, until } from './kit.js';

const later = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Holds the next answer to a request. Returns a promise that resolves when it is held, and the function that lets it go. */
function holdNext(front, wanted, forged = null) {
  const held = {};
  const open = new Promise((resolve) => (held.release = resolve));
  held.arrived = new Promise((resolve) => {
    front.hold = async (request) => {
      if (request !== wanted) return null;
      front.hold = async () => null;
      resolve();
      await open;
      return forged;
    };
  });
  return held;
}

/** Starts a call in a tab without waiting for it. Its result is `ok`, or the code of its error. */
const begin = (tab, call) => tab.evaluate(`(${call})().then(() => 'ok', (error) => error.code ?? error.name)`);

const name = async (tab) => (await state(tab)).user?.username;

everywhere('a refresh that is answered late does not replace the session of a later sign-in', {}, async ({ server, front, ...tools }) => {
  const { all: [one, two] } = await tabs({ server, front, ...tools }, 2);
  const eve = await server.user();
  const held = holdNext(front, REFRESH);
  const refresh = begin(one, () => globalThis.auth.refresh());
  await held.arrived;
  const signIn = login(two, eve);
  await later(300);
  held.release();
  await Promise.all([refresh, signIn]);
  for (const tab of [one, two]) {
    await tab.waitForFunction((name) => globalThis.auth.state.user?.username === name, eve.name);
    assert.equal(await tab.evaluate(async () => (await (await globalThis.auth.fetch('/users/me')).json()).username), eve.name);
  }
});

everywhere('a logout that is answered late does not end the session of a later sign-in', {}, async ({ server, front, ...tools }) => {
  const { all: [one, two] } = await tabs({ server, front, ...tools }, 2);
  const eve = await server.user();
  const held = holdNext(front, 'POST /auth/logout');
  const logout = begin(one, () => globalThis.auth.logout());
  await held.arrived;
  const signIn = login(two, eve);
  await later(300);
  held.release();
  await Promise.all([logout, signIn]);
  for (const tab of [one, two]) await tab.waitForFunction((name) => globalThis.auth.state.user?.username === name, eve.name);
  assert.equal(await me(two), 200);
});

everywhere('a sign-out during a refresh is told once', {}, async ({ front, ...tools }) => {
  const { all: [one, two] } = await tabs({ front, ...tools }, 2);
  const held = holdNext(front, REFRESH);
  const refresh = begin(one, () => globalThis.auth.refresh());
  await held.arrived;
  const logout = begin(two, () => globalThis.auth.logout());
  await later(300);
  held.release();
  await Promise.all([refresh, logout]);
  for (const tab of [one, two]) {
    await until(tab, 'signed-out');
    assert.deepEqual((await heard(tab)).filter((one) => one.startsWith('signed-out')), ['signed-out: logged_out']);
  }
});

everywhere('a late record of a session that has ended does not revive it', {}, async ({ front, kind, ...tools }) => {
  const { all: [one, two] } = await tabs({ front, kind, ...tools }, 2);
  // Another page of the origin has the record of the live session, as a tab that was slow would.
  const slow = await tools.context.newPage();
  await slow.goto(`${front.url}/auth/session`);
  const name = `vestibule ${front.url}/auth ${kind === 'cookies' ? 'cookie' : 'bearer'} default`;
  await slow.evaluate(async (name) => {
    globalThis.channel = new BroadcastChannel(name);
    globalThis.record = await new Promise((resolve) => {
      globalThis.channel.onmessage = ({ data }) => data.live && resolve(data);
      globalThis.channel.postMessage('ask');
    });
  }, name);
  await two.evaluate(() => globalThis.auth.logout());
  for (const tab of [one, two]) await until(tab, 'signed-out');
  await slow.evaluate(() => globalThis.channel.postMessage({ ...globalThis.record, at: Date.now() + 60_000 }));
  await later(300);
  for (const tab of [one, two]) assert.equal((await state(tab)).status, 'signed-out');
  await login(one, await tools.server.user());
  for (const tab of [one, two]) await until(tab, 'signed-in');
});

everywhere('a request of one user is not repeated as another', {}, async ({ server, front, watch, ...tools }) => {
  watch.tolerate(/401/);
  const { all: [one, two], user } = await tabs({ server, front, ...tools }, 2);
  const eve = await server.user();
  server.command(['user', 'set', user.name, '--permission', 'notes:write']);
  server.command(['user', 'set', user.name, '--no-permission', 'notes:write']);
  const held = holdNext(front, 'GET /users/me');
  const asked = one.evaluate(async () => (await globalThis.auth.fetch('/users/me')).status);
  await held.arrived;
  await login(two, eve);
  await one.waitForFunction((name) => globalThis.auth.state.user?.username === name, eve.name);
  held.release();
  assert.equal(await asked, 401);
});

everywhere('a request that waits for a refresh is not sent as the user who signs in meanwhile', {}, async ({ server, front, ...tools }) => {
  const { all: [one, two] } = await tabs({ server, front, ...tools }, 2);
  const eve = await server.user();
  // After a refresh the kit asks who is signed in, and the calls of this tab wait for that.
  const held = holdNext(front, 'GET /auth/session');
  const refresh = begin(one, () => globalThis.auth.refresh());
  await held.arrived;
  const asked = begin(one, () => globalThis.auth.fetch('/users/me', { method: 'PATCH', body: '{}' }));
  await login(two, eve);
  await one.waitForFunction((name) => globalThis.auth.state.user?.username === name, eve.name);
  held.release();
  await refresh;
  assert.equal(await asked, 'TypeError');
  assert.equal(front.count('PATCH /users/me'), 0);
});

everywhere('a password change is not undone by a refresh of another tab', {}, async ({ front, ...tools }) => {
  const { all: [one, two], user } = await tabs({ front, ...tools }, 2);
  const held = holdNext(front, REFRESH);
  const refresh = begin(one, () => globalThis.auth.refresh());
  await held.arrived;
  const changed = begin(two, `() => globalThis.auth.changePassword(${JSON.stringify(user.password)}, 'another harbour 77 lantern')`);
  await later(300);
  held.release();
  assert.deepEqual(await Promise.all([refresh, changed]), ['ok', 'ok']);
  for (const tab of [one, two]) {
    await tab.evaluate(() => globalThis.auth.refresh());
    assert.deepEqual([(await state(tab)).status, await me(tab)], ['signed-in', 200]);
  }
});

for (const status of [401, 502]) {
  everywhere(`a ${status} of a proxy for a refresh ends nothing`, {}, async ({ front, watch, ...tools }) => {
    watch.tolerate(/401|502/);
    const { all: [tab] } = await tabs({ front, ...tools }, 1);
    holdNext(front, REFRESH, status).release();
    assert.equal(await begin(tab, () => globalThis.auth.refresh()), 'ok', 'the kit asks once more');
    assert.deepEqual([(await state(tab)).status, await me(tab), front.count(REFRESH)], ['signed-in', 200, 2]);
  });
}

everywhere('a 401 of a proxy for a logout is no sign-out', {}, async ({ front, watch, ...tools }) => {
  watch.tolerate(/401/);
  const { all: [tab] } = await tabs({ front, ...tools }, 1);
  holdNext(front, 'POST /auth/logout', 401).release();
  assert.equal(await begin(tab, () => globalThis.auth.logout()), 'unexpected');
  assert.equal((await state(tab)).status, 'signed-in', 'whether the server has ended the session is not known');
  assert.equal(await me(tab), 401, 'it has, which the next call shows');
  assert.deepEqual((await heard(tab)).slice(1), ['expired: logged_out', 'signed-out: logged_out']);
});

everywhere('a fingerprint module that does not load signs nobody out', { kinds: ['cookies', 'tokens of the tab', 'tokens of the device'] }, async ({ server, front, watch, ...tools }) => {
  watch.tolerate(/ERR_|401|404|502|MIME|fingerprint/);
  const user = await server.user();
  const tab = await front.open(tools.page);
  await login(tab, user);
  await front.open(tab);
  assert.equal((await follow(tab)).status, 'signed-in');
  front.hold = async (request) => (request.includes('fingerprint.js') ? 502 : null);
  for (let time = 0; time < 4; time += 1) {
    assert.equal(await begin(tab, () => globalThis.auth.refresh()), 'unreachable');
    assert.equal((await state(tab)).status, 'signed-in');
  }
  assert.ok(front.count(REFRESH) <= 1, 'the session is known to be bound, so the third refusal, which would end it, never comes');
  assert.equal(await me(tab), 200);
});

everywhere('where the browser refuses storage and locks, a user signs in', { kinds: ['cookies', 'tokens of the device'] }, async ({ server, front, page, context }) => {
  await context.addInitScript(() => {
    const refuse = () => Promise.reject(new DOMException('no', 'SecurityError'));
    Object.defineProperty(navigator, 'locks', { value: { request: refuse, query: refuse } });
    for (const name of ['localStorage', 'sessionStorage']) {
      Object.defineProperty(globalThis, name, { get() { throw new DOMException('no', 'SecurityError'); } });
    }
  });
  await front.open(page);
  await follow(page);
  await login(page, await server.user());
  await page.evaluate(() => Promise.all([1, 2, 3].map(() => globalThis.auth.refresh())));
  assert.deepEqual([(await state(page)).status, await me(page)], ['signed-in', 200]);
  await page.evaluate(() => globalThis.auth.logout());
  assert.equal((await state(page)).status, 'signed-out');
});
