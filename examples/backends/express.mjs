// An Express application that checks access tokens by the key set of Vestibule, with jose.
//
// A token is checked without a request to Vestibule. So a session that was ended is noticed only when its access token expires.
import cors from "cors";
import express from "express";
import { createRemoteJWKSet, errors, jwtVerify } from "jose";

const vestibule = process.env.VESTIBULE_URL ?? "http://localhost:8000";
const issuer = process.env.ISSUER ?? vestibule;
const audience = process.env.AUDIENCE ?? issuer;

// Reads the keys at the first token, and again after ten minutes, or at a token with a key that it does not know, but at most
// every 30 seconds.
const keys = createRemoteJWKSet(new URL("/.well-known/jwks.json", vestibule));

// The codes of errors of the key set, which say nothing about the token. The generic code is for a status other than 200.
const OF_KEYS = [errors.JOSEError.code, errors.JWKSTimeout.code, errors.JWKSInvalid.code];

/** Puts the claims of the access token into `request.user`, or responds with 401. */
async function signedIn(request, response, next) {
  const [scheme, token] = (request.get("Authorization") ?? "").split(" ");
  if (scheme.toLowerCase() !== "bearer" || !token) {
    return response.status(401).set("WWW-Authenticate", "Bearer").json({ error: "missing_token" });
  }
  try {
    // RFC 9068 §4: an access token has the type at+jwt. A refresh token has another.
    const { payload } = await jwtVerify(token, keys, { issuer, audience, algorithms: ["ES256"], typ: "at+jwt", clockTolerance: 5 });
    // With `cookie_domain`, other hosts of the domain get a token with this claim in a cookie. It is for Vestibule alone.
    if (payload.cookie_only) throw new errors.JWTClaimValidationFailed("cookie_only", payload, "cookie_only");
    request.user = payload;
    next();
  } catch (error) {
    if (OF_KEYS.includes(error.code) || !(error instanceof errors.JOSEError)) return response.status(503).json({ error: "keys_unavailable" });
    response.status(401).set("WWW-Authenticate", 'Bearer error="invalid_token"').json({ error: "invalid_token" });
  }
}

/** Responds with 403 if the user lacks the permission. */
function may(permission) {
  return (request, response, next) => {
    if (request.user.permissions.includes(permission)) return next();
    const challenge = `Bearer error="insufficient_scope", scope="${permission}"`;
    response.status(403).set("WWW-Authenticate", challenge).json({ error: "insufficient_scope" });
  };
}

const app = express();
// The origin of the front end, whose pages may call this API.
app.use(cors({ origin: process.env.ORIGIN ?? "http://localhost:5173" }));
app.get("/", (request, response) => response.json({ hello: "everybody" }));
app.get("/me", signedIn, ({ user }, response) => response.json({ id: user.sub, username: user.username, roles: user.roles }));
app.get("/reports", signedIn, may("reports:read"), ({ user }, response) => response.json({ reports: [], for: user.sub }));
app.listen(Number(process.env.PORT ?? 9000), "127.0.0.1");
