// An OpenID Connect provider whose users sign in without a password. Usage: node provider.js PORT REDIRECT_URI SIGN_OUT_URI
// POST /control sets the claims of the users, and a fault of the next tokens.
import { createServer } from "node:http";
import { text } from "node:stream/consumers";

import { SignJWT, UnsecuredJWT, decodeJwt, exportJWK, generateKeyPair } from "jose";
import Provider from "oidc-provider";

const [port, redirectUri, signOutUri] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const clientSecret = "a secret of at least 32 bytes, really";
let state = { users: {}, fault: "" };

const makeKey = async (kid) => {
  const { privateKey, publicKey } = await generateKeyPair("RS256", { extractable: true });
  const common = { kid, alg: "RS256", use: "sig" };
  const [secret, open] = await Promise.all([privateKey, publicKey].map(exportJWK));
  return { privateKey, kid, secret: { ...secret, ...common }, open: { ...open, ...common } };
};
const [key, otherKey] = [await makeKey("first"), await makeKey("second")];
const past = () => Math.floor(Date.now() / 1000) - 3600;
const changes = {
  "wrong-nonce": () => ({ nonce: "other" }),
  "no-nonce": () => ({ nonce: undefined }),
  "expired": () => ({ iat: past() - 60, exp: past() }),
  "wrong-issuer": () => ({ iss: "https://other.example.org" }),
  "wrong-audience": () => ({ aud: ["other"], azp: "mlsite" }),
};

async function replaceToken(token) {
  const claims = { ...decodeJwt(token), ...changes[state.fault]?.() };
  if (state.fault === "unsigned") return new UnsecuredJWT(claims).encode();
  if (state.fault === "shared-secret") {
    return new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).sign(new TextEncoder().encode(clientSecret));
  }
  const signer = ["unknown-key", "forged-key", "rotated-key"].includes(state.fault) ? otherKey : key;
  const kid = state.fault === "forged-key" ? key.kid : signer.kid;
  return new SignJWT(claims).setProtectedHeader({ alg: "RS256", kid }).sign(signer.privateKey);
}

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: "mlsite",
      client_secret: clientSecret,
      redirect_uris: [redirectUri],
      post_logout_redirect_uris: [signOutUri],
    },
  ],
  jwks: { keys: [key.secret] },
  cookies: { keys: ["tests"] },
  pkce: { required: () => true },
  claims: {
    openid: ["sub"],
    email: ["email", "email_verified"],
    profile: ["preferred_username", "given_name", "family_name"],
    groups: ["groups"],
  },
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id, ...state.users[id] }) }),
});
provider.use(async (ctx, next) => {
  await next();
  if (ctx.path === "/jwks" && state.fault === "rotated-key") ctx.body = { keys: [otherKey.open] };
  if (ctx.path === "/token" && state.fault && ctx.body?.id_token) {
    ctx.body = { ...ctx.body, id_token: await replaceToken(ctx.body.id_token) };
  }
  if (ctx.path === "/me" && state.fault === "other-subject") ctx.body = { ...ctx.body, sub: "other" };
});

const handle = provider.callback();
const server = createServer(async (request, response) => {
  if (request.url !== "/control") return handle(request, response);
  state = JSON.parse(await text(request));
  response.writeHead(204).end();
});
server.listen(Number(port), "127.0.0.1");
