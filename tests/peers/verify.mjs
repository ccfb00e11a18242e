// Verifies an access token with nothing but the address of the key set:
// node verify.mjs KEY_SET_URL ISSUER AUDIENCE ALGORITHM TOKEN
// Prints the claims, or fails with the error of jose.
import { createRemoteJWKSet, jwtVerify } from "jose";

const [keySet, issuer, audience, algorithm, token] = process.argv.slice(2);
const { payload } = await jwtVerify(token, createRemoteJWKSet(new URL(keySet)), {
  issuer,
  audience,
  algorithms: [algorithm],
  typ: "at+jwt",
});
console.log(JSON.stringify(payload));
