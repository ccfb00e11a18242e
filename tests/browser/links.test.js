/** The links that work once: the first admin, and the choice of a password, with JavaScript and without. */

import assert from 'node:assert/strict';
import { PASSWORD, TEXTS, scenario, signIn } from './support.js';

const text = (page, selector) => page.locator(selector).textContent();

for (const javaScriptEnabled of [true, false]) {
  const name = javaScriptEnabled ? 'with script' : 'without script';
  const context = { javaScriptEnabled };

  // The server belongs to this test alone, because the first admin makes its link void.
  const alone = { context, settings: { password_min_length: javaScriptEnabled ? '11' : '12' } };
  scenario(`${name}: the link of a start makes the first admin, once, and signs them in`, alone, async (tools) => {
    const { page, server, watch, at } = tools;
    watch.tolerate(/404/);
    const link = await server.setUpLink();
    await page.goto(at(link));
    await page.goto(at(link));
    await page.fill('#username', 'root');
    await page.fill('#password', PASSWORD);
    await page.locator('#setup [type=submit]').click();
    assert.equal(await text(page, '.message.good'), TEXTS.setup.done);
    assert.equal(page.url(), at('/setup'));
    assert.ok((await page.locator('.checks li').count()) >= 4);
    await page.locator('main a.button').click();
    assert.equal(page.url(), at('/admin'));
    await page.goto(at(link));
    assert.equal(await text(page, 'h1'), TEXTS.setup.void_title);
  });

  scenario(`${name}: an invited user chooses a password by the link, once, and signs in with it`, { context }, async (tools) => {
    const { page, server, watch, at } = tools;
    watch.tolerate(/404|422/);
    const { name, link } = server.invite();
    await page.goto(at(link));
    await page.goto(at(link));
    await page.fill('#password', 'password1234');
    await page.locator('#link [type=submit]').click();
    assert.equal(await page.locator('#password[aria-invalid=true]').count(), 1);
    await page.fill('#password', PASSWORD);
    await page.locator('#link [type=submit]').click();
    assert.equal(await text(page, '.message.good'), TEXTS.notices.password_chosen);
    await signIn(page, server, { name, password: PASSWORD });
    await page.goto(at(link));
    assert.equal(await text(page, 'h1'), TEXTS.link.void_title);
  });
}
