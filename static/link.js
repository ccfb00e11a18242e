/**
 * The page of a link, where a user chooses a password. The module adds the button that shows the password.
 *
 * @module
 */

import { helpWithPasswords } from './login.js';

for (const form of document.forms) helpWithPasswords(form);
