// OpenSSL 3 as Swift sees it: its headers, and functions for what OpenSSL has only as macros or as
// stacks of C types. Nothing here decides anything.
#pragma once
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <time.h>

// MARK: SSL_CTX and SSL

static inline int copenssl_set_minimum_version(SSL_CTX *ctx, int version) {
    return (int)SSL_CTX_set_min_proto_version(ctx, version);
}
static inline void copenssl_set_modes(SSL_CTX *ctx) {
    SSL_CTX_set_mode(
        ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_clear_mode(ctx, SSL_MODE_AUTO_RETRY);
}
static inline void copenssl_set_read_ahead(SSL_CTX *ctx) { SSL_CTX_set_read_ahead(ctx, 1); }
static inline void copenssl_set_server_options(SSL_CTX *ctx) {
    SSL_CTX_set_options(
        ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                 SSL_OP_NO_COMPRESSION);
}
static inline void copenssl_disable_session_cache(SSL_CTX *ctx) {
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
}
static inline int copenssl_set_groups(SSL_CTX *ctx, const char *groups) {
    return (int)SSL_CTX_set1_groups_list(ctx, groups);
}
static inline int copenssl_add_chain_certificate(SSL_CTX *ctx, X509 *certificate) {
    return (int)SSL_CTX_add1_chain_cert(ctx, certificate);
}
static inline void copenssl_set_server_name_callback(SSL_CTX *ctx, int (*callback)(SSL *, int *, void *)) {
    SSL_CTX_set_tlsext_servername_callback(ctx, callback);
}
static inline void copenssl_set_app_data(SSL_CTX *ctx, void *data) { SSL_CTX_set_app_data(ctx, data); }
static inline void *copenssl_app_data(const SSL *ssl) { return SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)); }
static inline void copenssl_set_connection(SSL *ssl, void *connection) { SSL_set_app_data(ssl, connection); }
static inline void *copenssl_connection(const SSL *ssl) { return SSL_get_app_data(ssl); }

/// What a client says of the server it wants: for SNI.
static inline int copenssl_ask_for(SSL *ssl, const char *name) { return (int)SSL_set_tlsext_host_name(ssl, name); }

/// The SSL whose peer is being verified.
static inline SSL *copenssl_verified_ssl(X509_STORE_CTX *store) {
    return X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
}

// EVP's one-shot functions fetch and allocate; these do neither, and OpenSSL 3 only calls them old.
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wdeprecated-declarations"
static inline void copenssl_sha256(const void *bytes, size_t count, void *digest) {
    SHA256_CTX context;
    SHA256_Init(&context);
    SHA256_Update(&context, bytes, count);
    SHA256_Final((unsigned char *)digest, &context);
}
#pragma clang diagnostic pop

static inline int copenssl_error_reason(unsigned long code) { return ERR_GET_REASON(code); }
static inline int copenssl_error_is_tls(unsigned long code) { return ERR_GET_LIB(code) == ERR_LIB_SSL; }

/// A BIO's retry flags, cleared; or set to "read again later".
static inline void copenssl_clear_retry(BIO *bio) { BIO_clear_retry_flags(bio); }
static inline void copenssl_retry_read(BIO *bio) { BIO_set_retry_read(bio); }

// MARK: Session tickets

/// Sets a ticket's cipher (AES-256-CBC) and MAC (HMAC-SHA-256), as RFC 5077 recommends; 1, or 0: it failed.
static inline int copenssl_set_ticket_keys(
    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, const unsigned char *key, const unsigned char *macKey,
    const unsigned char *iv, int seals) {
    OSSL_PARAM parameters[3] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)macKey, 32),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0), OSSL_PARAM_construct_end()};
    return EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key, iv, seals) == 1 &&
           EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

// MARK: Certificates

static inline BIO *copenssl_memory_bio(const void *bytes, int count) { return BIO_new_mem_buf(bytes, count); }

/// Subject alternative names of a certificate; NULL: none. Free them with `copenssl_free_names`.
static inline GENERAL_NAMES *copenssl_names(const X509 *certificate) {
    return X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
}
static inline void copenssl_free_names(GENERAL_NAMES *names) { GENERAL_NAMES_free(names); }
static inline int copenssl_name_count(const GENERAL_NAMES *names) { return sk_GENERAL_NAME_num(names); }
/// The name at `index` if it is of `type` (GEN_DNS, GEN_URI, GEN_EMAIL), which are all IA5 strings; else NULL.
static inline const unsigned char *copenssl_name(const GENERAL_NAMES *names, int index, int type, int *count) {
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, index);
    if (name->type != type) return NULL;
    *count = ASN1_STRING_length(name->d.ia5);
    return ASN1_STRING_get0_data(name->d.ia5);
}

/// Seconds since 1970; -1 where the time cannot be read.
static inline long long copenssl_unix_time(const ASN1_TIME *time) {
    struct tm parts;
    return ASN1_TIME_to_tm(time, &parts) == 1 ? (long long)timegm(&parts) : -1;
}
