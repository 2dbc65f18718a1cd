// SPDX-License-Identifier: MIT
// The same package as a user with CommonJS sees it.
import plastiq = require('plastiq');

const client: plastiq.Client = new plastiq.Client();
void client.clientSecrets.create({}).then(({ clientSecret }: plastiq.ClientSecretsCreateResult) => clientSecret.reveal().length);
