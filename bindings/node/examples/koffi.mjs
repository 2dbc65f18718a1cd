// SPDX-License-Identifier: MIT
// The ABI is flat: this makes a secret with nothing but a foreign function library. A proof, and no way to work: use the package.
//
//     LIBPLASTIQ=libplastiq.so.1 node koffi.mjs [OPTION VALUE]..
import koffi from 'koffi';

const library = koffi.load(process.env.LIBPLASTIQ ?? 'libplastiq.so.1');
const optionsNew = library.func('int32_t plq_options_new(uint32_t flags, _Out_ void **out_options, _Out_ void **out_error)');
const optionsSet = library.func('int32_t plq_options_set(void *options, const char *key, size_t key_len, const char *value, size_t value_len, _Out_ void **out_error)');
const optionsFree = library.func('void plq_options_free(void *options)');
const clientNew = library.func('int32_t plq_client_new(void *options, _Out_ uint64_t *out_client, _Out_ void **out_error)');
const clientFree = library.func('void plq_client_free(uint64_t client)');
const requestNew = library.func('int32_t plq_request_new(const char *operation, size_t operation_len, _Out_ void **out_request, _Out_ void **out_error)');
const requestFree = library.func('void plq_request_free(void *request)');
const call = library.func('int32_t plq_call(uint64_t client, void *request, _Out_ void **out_response, _Out_ void **out_error)');
const takeSecret = library.func('int32_t plq_response_take_secret(void *response, const char *name, size_t name_len, _Out_ void **out_secret)');
const secretRead = library.func('int32_t plq_secret_read(void *secret, _Out_ const char **out_bytes, _Out_ size_t *out_len)');
const secretFree = library.func('void plq_secret_free(void *secret)');
const errorMessage = library.func('const char *plq_error_message(void *error, size_t *out_len)');
if (library.func('int32_t plq_abi_require(uint32_t major, uint32_t minor)')(1, 0) !== 0) throw new Error('this libplastiq has another ABI');

const NUL = 0xffff_ffff_ffff_ffffn; // a text that ends at its NUL
const error = [null];
const must = (status) => status === 0 || Promise.reject(new Error(errorMessage(error[0], null)));

const options = [null], client = [0], request = [null], response = [null], secret = [null], bytes = [null], length = [0];
await must(optionsNew(0, options, error));
for (let i = 2; i + 1 < process.argv.length; i += 2) {
  await must(optionsSet(options[0], process.argv[i], NUL, process.argv[i + 1], NUL, error));
}
await must(clientNew(options[0], client, error));
await must(requestNew('client_secrets.create', NUL, request, error));
await must(call(client[0], request[0], response, error));
await must(takeSecret(response[0], 'client_secret', NUL, secret));
await must(secretRead(secret[0], bytes, length));
console.log(bytes[0]); // the secret: for the browser, never for a log
secretFree(secret[0]), requestFree(request[0]), library.func('void plq_response_free(void *response)')(response[0]);
clientFree(client[0]), optionsFree(options[0]);
