/**
 * Checks access tokens in a JavaScript backend, by the key set of Vestibule. It needs the package `jose`.
 *
 *     const claims = await verify(request, { url: 'https://auth.example.com', audience: 'https://api.example.com' });
 *     if (!claims) return new Response(null, { status: 401, headers: { 'WWW-Authenticate': 'Bearer' } });
 *
 * A token is checked without a request to Vestibule. So it is accepted until it expires, by default 15 minutes after it was
 * issued, also if its session has ended. A backend that must notice the end at once asks `/auth/introspect`.
 *
 * @module
 */

import { createRemoteJWKSet, errors, jwtVerify } from 'jose';

/**
 * The claims of an access token. The user's own claims are among them.
 * @typedef {object} KnownClaims
 * @property {string} iss the issuer: the address of Vestibule
 * @property {string | string[]} aud the audience
 * @property {string} sub the id of the user
 * @property {string} client_id
 * @property {string} sid the id of the session
 * @property {string} jti the id of the token
 * @property {number} iat seconds since 1970
 * @property {number} nbf seconds since 1970
 * @property {number} exp seconds since 1970
 * @property {boolean} fresh whether the user has just proved the password
 * @property {number} auth_time when the user last proved the password, in seconds since 1970
 * @property {string[]} roles
 * @property {string[]} permissions
 * @property {string} scope the permissions, joined by spaces
 * @property {string} [username]
 * @property {string} [email]
 */

/** @typedef {KnownClaims & Record<string, unknown>} Claims */

/**
 * @typedef {object} Expected
 * @property {string} url where this backend reaches Vestibule
 * @property {string} audience the claim `aud` of the tokens for this backend. It is the issuer, unless the server has the
 *   setting `audience`
 * @property {string} [issuer] the claim `iss`: the setting `issuer`; default `url`
 */

/** The algorithms with which Vestibule signs tokens for others: those whose keys it publishes. */
const ALGORITHMS = ['ES256', 'ES384', 'EdDSA', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];

/** The codes of errors of the key set, which say nothing about the token. The generic code is for a status other than 200. */
const OF_KEYS = [errors.JOSEError.code, errors.JWKSTimeout.code, errors.JWKSInvalid.code];

/** Seconds by which the clocks of the two machines may differ. */
const CLOCKS = 5;

/**
 * The key sets, by address. Each is read at the first token, after ten minutes, and at a token with an unknown key, but at most
 * every 30 seconds.
 */
const keySets = new Map();

function keysOf(url) {
  const address = new URL('/.well-known/jwks.json', url).href;
  if (!keySets.has(address)) keySets.set(address, createRemoteJWKSet(new URL(address)));
  return keySets.get(address);
}

/**
 * Returns the claims of the access token of a request.
 * @param {Request | { headers: { get?: any, authorization?: string } }} request a request of `fetch`, Node.js or Express
 * @param {Expected} expected
 * @returns {Promise<Claims | null>} null without a valid token: respond with 401
 * @throws {Error} if the key set can't be read: respond with 503; a `TypeError` without an audience
 */
export async function verify(request, { url, audience, issuer = new URL(url).origin }) {
  // Without an audience, jose would accept tokens that are for another service.
  if (!audience) throw new TypeError('verify needs the audience of this backend');
  /** @type {any} */
  const headers = request.headers;
  const header = typeof headers.get === 'function' ? headers.get('authorization') : headers.authorization;
  const [, token] = /^bearer +(\S+)$/i.exec(String(header ?? '')) ?? [];
  if (!token) return null;
  // RFC 9068 §4: an access token has the type at+jwt. A refresh token has another.
  const required = { requiredClaims: ['exp', 'sub', 'sid'], clockTolerance: CLOCKS };
  const rules = { issuer, audience, algorithms: ALGORITHMS, typ: 'at+jwt', ...required };
  try {
    const { payload } = await jwtVerify(token, keysOf(url), rules);
    // With `cookie_domain`, other hosts of the domain get a token with this claim in a cookie. It is for Vestibule alone.
    return payload.cookie_only ? null : /** @type {any} */ (payload);
  } catch (error) {
    if (OF_KEYS.includes(error.code) || !(error instanceof errors.JOSEError)) throw error;
    return null;
  }
}
