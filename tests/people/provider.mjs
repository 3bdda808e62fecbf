// A real provider of OpenID Connect (npm oidc-provider) that knows the people in PEOPLE; any password will do.
import { Provider } from 'oidc-provider';

const { PORT, PEOPLE, API, REDIRECTS } = process.env;
const issuer = `http://127.0.0.1:${PORT}`;
const people = JSON.parse(PEOPLE);
const claimsOf = (id) => people[id] ?? {};

const provider = new Provider(issuer, {
  clients: [
    { client_id: 'foveal', client_secret: 'secret', redirect_uris: JSON.parse(REDIRECTS), post_logout_redirect_uris: ['http://127.0.0.1/'],
      grant_types: ['authorization_code'], response_types: ['code'] },
    { client_id: 'public', redirect_uris: JSON.parse(REDIRECTS), token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code'], response_types: ['code'] },
    { client_id: 'other', client_secret: 'secret', redirect_uris: JSON.parse(REDIRECTS),
      grant_types: ['authorization_code'], response_types: ['code'] },
  ],
  claims: { openid: ['sub'], profile: ['name', 'groups', 'roles', '_claim_names'], email: ['email'] },
  conformIdTokenClaims: false,
  pkce: { required: () => true },
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id, ...claimsOf(id) }) }),
  extraTokenClaims: (ctx, token) => claimsOf(token.accountId),
  features: {
    devInteractions: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => API,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({ scope: 'openid profile', audience: API, accessTokenFormat: 'jwt', accessTokenTTL: 3600 }),
    },
  },
});
provider.listen(Number(PORT), '127.0.0.1', () => console.log('ready'));
