/* SPDX-License-Identifier: ISC
 *
 * Reading a certificate and its private key.  It must never leave a copy of
 * the key in memory that it frees, and never ask for a passphrase.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "system/fdio.h"
#include "system/tls_pair.h"

#define PAIR_FILE_MAX	(1024 * 1024)

static int
bad(char *err, size_t errlen, const char *file, const char *what)
{
	snprintf(err, errlen, "%s: %s", file, what);
	return -1;
}

/* The whole of a file, so that no stdio buffer keeps a copy of a key.  To be
 * wiped and freed. */
static char *
read_file(const char *name, size_t *len, char *err, size_t errlen)
{
	struct stat st;
	char *text = NULL;
	ssize_t n;
	int fd;

	if ((fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) == -1 ||
	    fstat(fd, &st) == -1) {
		bad(err, errlen, name, strerror(errno));
	} else if (!S_ISREG(st.st_mode) || st.st_size > PAIR_FILE_MAX) {
		bad(err, errlen, name, "not a PEM file");
	} else if ((text = malloc((size_t)st.st_size + 1)) == NULL ||
	    (n = fd_read_all(fd, text, (size_t)st.st_size)) == -1) {
		bad(err, errlen, name, strerror(errno));
		free(text);
		text = NULL;
	} else
		*len = (size_t)n;
	if (fd != -1)
		close(fd);
	return text;
}

/* A key with a passphrase is refused: nobody is there to type it. */
static int
no_passphrase(char *buf, int size, int rw, void *arg)
{
	(void)buf;
	(void)size;
	(void)rw;
	(void)arg;
	return -1;
}

static int
parse_certs(BIO *bio, struct tls_pair *p)
{
	X509 *x;

	if ((p->cert = PEM_read_bio_X509(bio, NULL, no_passphrase,
	    NULL)) == NULL || (p->chain = sk_X509_new_null()) == NULL)
		return -1;
	while ((x = PEM_read_bio_X509(bio, NULL, no_passphrase,
	    NULL)) != NULL)
		if (sk_X509_push(p->chain, x) <= 0) {
			X509_free(x);
			return -1;
		}
	/* The end is told as "no start line"; anything else is damage. */
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return -1;
	ERR_clear_error();
	return 0;
}

/* Read one file: the certificates, or (is_key) the private key. */
static int
load_file(const char *name, int is_key, struct tls_pair *p, char *err,
    size_t errlen)
{
	size_t len = 0;
	char *text;
	BIO *bio;
	int r = -1;

	if ((text = read_file(name, &len, err, errlen)) == NULL)
		return -1;
	ERR_clear_error();
	if ((bio = BIO_new_mem_buf(text, (int)len)) != NULL) {
		if (is_key) {
			p->key = PEM_read_bio_PrivateKey(bio, NULL,
			    no_passphrase, NULL);
			r = p->key != NULL ? 0 : -1;
		} else
			r = parse_certs(bio, p);
	}
	if (r == -1)
		bad(err, errlen, name, is_key ?
		    "no usable private key without a passphrase" :
		    "no usable certificate");
	BIO_free(bio);
	explicit_bzero(text, len);
	free(text);
	return r;
}

static void
note_file(struct tls_file *f)
{
	memset(&f->st, 0, sizeof(f->st));
	f->missing = stat(f->name, &f->st) == -1;
}

static int
file_changed(const struct tls_file *f)
{
	struct stat st;

	if (stat(f->name, &st) == -1)
		return !f->missing;
	return f->missing || st.st_dev != f->st.st_dev ||
	    st.st_ino != f->st.st_ino || st.st_size != f->st.st_size ||
	    st.st_mtim.tv_sec != f->st.st_mtim.tv_sec ||
	    st.st_mtim.tv_nsec != f->st.st_mtim.tv_nsec ||
	    st.st_ctim.tv_sec != f->st.st_ctim.tv_sec ||
	    st.st_ctim.tv_nsec != f->st.st_ctim.tv_nsec;
}

int
tls_pair_name(struct tls_pair *p, const char *cert, const char *key)
{
	char *c = strdup(cert), *k = strdup(key);

	if (c == NULL || k == NULL) {
		free(c);
		free(k);
		return -1;
	}
	free(p->files[0].name);
	free(p->files[1].name);
	p->files[0].name = c;
	p->files[1].name = k;
	return 0;
}

int
tls_pair_changed(const struct tls_pair *p)
{
	return p->files[0].name != NULL &&
	    (file_changed(&p->files[0]) || file_changed(&p->files[1]));
}

int
tls_pair_read(struct tls_pair *named, struct tls_pair *fresh, char *err,
    size_t errlen)
{
	/* Before reading: what changes meanwhile is then read again. */
	note_file(&named->files[0]);
	note_file(&named->files[1]);
	if (load_file(named->files[0].name, 0, fresh, err, errlen) == -1)
		return -1;
	return load_file(named->files[1].name, 1, fresh, err, errlen);
}

void
tls_pair_clear(struct tls_pair *p)
{
	EVP_PKEY_free(p->key);
	X509_free(p->cert);
	sk_X509_pop_free(p->chain, X509_free);
	p->key = NULL;
	p->cert = NULL;
	p->chain = NULL;
}

void
tls_pair_free(struct tls_pair *p)
{
	tls_pair_clear(p);
	free(p->files[0].name);
	free(p->files[1].name);
	p->files[0].name = p->files[1].name = NULL;
}
