/** The viewer of the API description at `/docs`: it loads nothing from elsewhere, and a developer signs in and sends requests. */

import assert from 'node:assert/strict';
import { capture } from './screens.js';
import { scenario } from './support.js';

scenario('the description is read, and no parameter loads another', async ({ page, server, watch }) => {
  await page.goto(`${server.url}/docs?url=https://evil.example/a.json&configUrl=https://evil.example/b.json`);
  await page.locator('.opblock').first().waitFor();
  assert.equal(page.url(), `${server.url}/docs/index.html`);
  await page.goto(`${server.url}/docs/index.html?url=https://evil.example/a.json&configUrl=https://evil.example/b.json&urls.primaryName=x`);
  await page.locator('.opblock', { hasText: '/auth/login' }).first().waitFor();
  assert.equal(await page.locator('.title').first().textContent().then((text) => text.includes('Vestibule')), true);
  assert.equal(await page.locator('.topbar').count(), 0, 'there is no field for another address');
  assert.deepEqual(watch.requests.filter((one) => one.url().includes('evil.example/') && !one.isNavigationRequest()), []);
});

for (const [colorScheme, width] of ['light', 'dark'].flatMap((scheme) => [1280, 390, 320].map((width) => [scheme, width]))) {
  // The public URL has another port than the server, and the page does not depend on it.
  const context = { colorScheme, viewport: { width, height: 800 } };
  scenario(`in ${colorScheme} at ${width} px, a user signs in and sends a request`, { context }, async ({ page, server }) => {
    const ada = await server.user();
    await page.goto(`${server.url}/docs`);
    await page.locator('button.authorize').first().click();
    await page.locator('#oauth_username').fill(ada.name);
    await page.locator('#oauth_password').fill(ada.password);
    await page.locator('.auth-container', { has: page.locator('#oauth_username') }).locator('button.authorize').click();
    await page.locator('.auth-btn-wrapper button', { hasText: 'Logout' }).first().waitFor();
    await page.locator('.close-modal').click();
    const operation = page.locator('.opblock-get', { has: page.locator('[data-path="/users/me"]') });
    await operation.locator('.opblock-summary').click();
    await operation.getByRole('button', { name: 'Execute' }).click();
    await operation.locator('.live-responses-table .response-col_status', { hasText: '200' }).waitFor();
    await operation.locator('.live-responses-table', { hasText: ada.email }).waitFor();
    await capture(page, `docs-${colorScheme}-${width}`);
  });
}
