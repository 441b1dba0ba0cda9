/**
 * Verify JWTs with `jose`, by the key that the issuer's DID document holds.
 *
 * Standard input: {"origin": "http://localhost:8001", "typ": "JWT", "tokens": ["<compact JWS>", …]}.
 * Standard output, one entry per token: {"verified": true, "payload": {…}} or {"verified": false, "error": "…"}.
 *
 * The library checks signature, algorithm, type, issuer, `nbf` and `exp`. It knows nothing of credentials: neither the
 * status nor whether the claims repeat what the credential says.
 */

import {ECDH} from "node:crypto";
import {text} from "node:stream/consumers";

import {importJWK, jwtVerify} from "jose";

const ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const {origin, typ, tokens} = JSON.parse(await text(process.stdin));
const did = `did:web:${encodeURIComponent(new URL(origin).host)}`;
const didDocument = await (await fetch(`${origin}/.well-known/did.json`)).json();

/** A P-256 Multikey as a JWK: base58, two bytes of multicodec, the compressed point. */
function toJwk(multikey) {
  let number = 0n;
  for (const character of multikey.slice(1)) {
    number = number * 58n + BigInt(ALPHABET.indexOf(character));
  }
  const bytes = Buffer.from(number.toString(16).padStart(70, "0"), "hex");
  if (bytes.readUInt16BE(0) !== 0x8024) {
    throw new Error("not a P-256 key");
  }
  const point = ECDH.convertKey(bytes.subarray(2), "prime256v1", undefined, undefined, "uncompressed");
  return {
    kty: "EC", crv: "P-256",
    x: point.subarray(1, 33).toString("base64url"), y: point.subarray(33).toString("base64url"),
  };
}

async function findKey({kid}) {
  const method = didDocument.verificationMethod.find(({id}) => id === kid);
  if (method === undefined || !didDocument.assertionMethod.includes(kid)) {
    throw new Error(`${kid} is not in the DID document`);
  }
  return importJWK(toJwk(method.publicKeyMultibase), "ES256");
}

const options = {algorithms: ["ES256"], typ};
if (typ === "JWT") {
  Object.assign(options, {issuer: did, requiredClaims: ["iss", "jti", "nbf", "sub"]});
}
const answers = [];
for (const token of tokens) {
  try {
    const {payload} = await jwtVerify(token, findKey, options);
    answers.push({verified: true, payload});
  } catch (error) {
    answers.push({verified: false, error: String(error.message)});
  }
}
process.stdout.write(JSON.stringify(answers));
