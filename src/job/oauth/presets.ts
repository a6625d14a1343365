/** What is known of the large providers of OAuth 2.0. Data only. */

export interface OauthPreset {
  /** `{tenant}` stands for the tenant. */
  readonly tokenEndpoint: string;
  readonly deviceEndpoint: string;
  readonly scope: string;
  /** For the client's own right, where that has another scope. */
  readonly clientScope: string;
}

/** developers.google.com/identity/protocols/oauth2, learn.microsoft.com/exchange/client-developer/legacy-protocols. */
export const OAUTH_PRESETS = {
  google: {
    tokenEndpoint: 'https://oauth2.googleapis.com/token',
    deviceEndpoint: 'https://oauth2.googleapis.com/device/code',
    scope: 'https://mail.google.com/',
    clientScope: 'https://mail.google.com/',
  },
  microsoft: {
    tokenEndpoint: 'https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token',
    deviceEndpoint: 'https://login.microsoftonline.com/{tenant}/oauth2/v2.0/devicecode',
    scope: 'https://outlook.office.com/POP.AccessAsUser.All offline_access',
    clientScope: 'https://outlook.office365.com/.default',
  },
} as const satisfies Record<string, OauthPreset>;

export type OauthProvider = keyof typeof OAUTH_PRESETS;
