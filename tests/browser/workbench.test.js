/** The page of the workbench at `/dev`: each of its buttons, with a front end in another tab, and each of its screens. */

import assert from 'node:assert/strict';
import { onEveryScreen } from './screens.js';
import { scenario } from './support.js';

/** Signs a new user in without a browser. Returns the tokens, and a function that asks who the access token is for. */
async function signedIn(server) {
  const ada = await server.user();
  const { body } = await server.call('/auth/login', { username: ada.name, password: ada.password, device_name: 'A phone' });
  const me = async (token = body.access_token) => (await server.call('/users/me', undefined, { Authorization: `Bearer ${token}` })).body;
  return { ada, tokens: body, me };
}

/** Returns the user that an access token names. */
const subject = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url')).sub;

scenario('a planned answer comes, is listed until then, and can be removed', {}, async ({ page, server }) => {
  const { me } = await signedIn(server);
  await page.goto(`${server.url}/dev`);
  await page.selectOption('#status', '503');
  await page.fill('#path', '/users/me');
  await page.fill('#times', '2');
  await page.click('#plan [type=submit]');
  await page.locator('#plans li', { hasText: '503 storage_unavailable to the next 2 requests to /users/me' }).waitFor();
  assert.equal((await me()).error, 'storage_unavailable');
  await page.locator('#requests li', { hasText: 'GET /users/me' }).filter({ hasText: '503 storage_unavailable' }).filter({ hasText: 'planned' }).waitFor();
  await page.click('#clear');
  await page.locator('#done', { hasText: 'No plan is left.' }).waitFor();
  assert.ok((await me()).id);
});

scenario('a plan that makes no sense is refused at once', {}, async ({ page, server, watch }) => {
  watch.tolerate(/422/);
  await page.goto(`${server.url}/dev`);
  await page.fill('#path', 'users/me');
  await page.click('#plan [type=submit]');
  await page.locator('#error', { hasText: 'path must begin with /' }).waitFor();
});

scenario('a session ends in each of the four ways', {}, async ({ page, server }) => {
  await page.goto(`${server.url}/dev`);
  for (const [button, error, reason] of [
    ['Expire the access token', 'token_expired', 'expired'],
    ['Expire the session', 'token_expired', 'expired'],
    ['Revoke the session', 'token_revoked', 'revoked'],
    ['End it as after a stolen token', 'token_revoked', 'reused'],
  ]) {
    const { ada, tokens, me } = await signedIn(server);
    const row = page.locator('#sessions li', { hasText: `${ada.name} on A phone` });
    await row.getByRole('button', { name: `${button}: ${ada.name} on A phone`, exact: true }).click();
    await page.locator('#done:not([hidden])').waitFor();
    const refused = await me();
    assert.deepEqual([refused.error, refused.reason], [error, reason], button);
    const { status, body } = await server.call('/auth/refresh', { refresh_token: tokens.refresh_token });
    assert.equal(status, button === 'Expire the access token' ? 200 : 401, button);
    if (status === 200) assert.ok((await me(body.access_token)).id, 'the new token is accepted');
  }
});

scenario('the list shows the claims of tokens as requests come, and no token', {}, async ({ page, server }) => {
  await page.goto(`${server.url}/dev`);
  const { ada, tokens, me } = await signedIn(server);
  await me();
  // The list also has the requests of other tests, and grows from the top. Only this one has a token of this user.
  const row = page.locator('#requests li', { hasText: 'GET /users/me' }).filter({ hasText: `"sub": "${subject(tokens.access_token)}"` });
  await row.locator('summary').click();
  await row.locator('pre', { hasText: '"typ": "at+jwt"' }).waitFor();
  const text = await page.locator('body').textContent();
  assert.ok(!text.includes(tokens.access_token.split('.')[2]) && !text.includes(ada.password));
});

scenario('the signing key is replaced, and the data are reset', {}, async ({ page, server }) => {
  const { ada, me } = await signedIn(server);
  await page.goto(`${server.url}/dev`);
  await page.click('#rotate');
  await page.locator('#done', { hasText: 'A new key signs.' }).waitFor();
  assert.equal((await me()).username, ada.name);
  await page.click('#reset');
  assert.equal((await me()).username, ada.name, 'the first press only asks');
  await page.click('#reset');
  await page.locator('#done', { hasText: 'are as at the first start' }).waitFor();
  assert.equal((await me()).error, 'token_revoked');
  await page.locator('#no-sessions').waitFor();
});

onEveryScreen({
  'dev-empty': async ({ page, server }) => {
    await server.call('/dev/reset', {});
    await page.goto(`${server.url}/dev`);
    await page.locator('#no-sessions').waitFor();
  },
  'dev-busy': async ({ page, server }) => {
    const { me } = await signedIn(server);
    await me();
    await server.call('/dev/next', { status: 429, times: 3, path: '/never' });
    await page.goto(`${server.url}/dev`);
    await page.locator('#requests li').first().locator('summary').click();
    await page.locator('#plans li').first().waitFor();
  },
});
