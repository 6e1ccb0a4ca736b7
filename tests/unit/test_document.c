#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "policy/document.h"
#include "policy/schema.h"

struct inner {
	char word[16];
};

struct sample {
	char serial[SCHEMA_NUMBER_BYTES];
	uint32_t colour;
	uint32_t n_names;
	struct inner name[3];
	struct inner inner;
};

static const cyaml_strval_t colours[] = { { "red", 1 }, { "green", 2 } };
static const cyaml_schema_value_t entry = SCHEMA_ENTRY_TEXT(16);

static const cyaml_schema_field_t inner_fields[] = {
	SCHEMA_TEXT("word", SCHEMA_MAY, struct inner, word), CYAML_FIELD_END
};

static const cyaml_schema_field_t fields[] = {
	SCHEMA_HEAD,
	SCHEMA_TEXT("serial", SCHEMA_MUST, struct sample, serial),
	SCHEMA_WORD("colour", SCHEMA_MAY, struct sample, colour, colours),
	SCHEMA_LIST("names", SCHEMA_MAY, struct sample, name, n_names, &entry, 0),
	SCHEMA_MAP("inner", SCHEMA_MAY, struct sample, inner, inner_fields),
	CYAML_FIELD_END
};

static const cyaml_schema_value_t top = { SCHEMA_TOP(struct sample, fields) };

#define HEAD "kind: policy\nversion: 1\n"

static struct document_error error;

static int load(const char *text, struct document *ret)
{
	memset(&error, 0, sizeof(error));
	memset(ret, 0, sizeof(*ret));
	return document_load(text, strlen(text), DOCUMENT_POLICY, &top, ret, &error);
}

static void refuses(const char *text, uint32_t line, uint32_t column, const char *why)
{
	struct document d;

	if (load(text, &d) != -EBADMSG)
		fail_msg("accepted: %s", text);
	if (error.line != line || error.column != column || !strstr(error.text, why))
		fail_msg("%u:%u: %s\nfor: %s", error.line, error.column, error.text, text);
	assert_null(d.data);
}

static void loads_what_the_schema_describes(void **state)
{
	OWNS_DOCUMENT struct document d = { 0 };
	const struct sample *s;

	(void)state;
	if (load(HEAD "serial: 7\ncolour: green\nnames: [a, \"b c\"]\ninner: {word: x}\n", &d) != 0)
		fail_msg("%u:%u: %s", error.line, error.column, error.text);
	s = d.data;
	assert_string_equal(s->serial, "7");
	assert_int_equal(s->colour, 2);
	assert_int_equal(s->n_names, 2);
	assert_string_equal(s->name[1].word, "b c");
	assert_string_equal(s->inner.word, "x");
}

static void places_unknown_and_duplicate_keys_at_every_depth(void **state)
{
	(void)state;
	refuses(HEAD "serial: 7\nSerial: 8\n", 4, 1, "unknown key 'Serial'");
	refuses(HEAD "serial: 7\ncolour: red\nserial: 8\n", 5, 1, "a second 'serial'");
	refuses(HEAD "serial: 7\ninner:\n  word: a\n  wort: b\n", 6, 3, "unknown key 'wort'");
	refuses(HEAD "serial: 7\ninner:\n  word: a\n  word: b\n", 6, 3, "a second 'word'");
	refuses(HEAD "serial: 7\ninner: {word: a, \"word\": b}\n", 4, 18, "a second 'word'");
	refuses(HEAD "serial: 7\nversion: 1\n", 4, 1, "a second 'version'");
	refuses(HEAD "serial: 7\n<<: {colour: red}\n", 4, 1, "unknown key '<<'");
	refuses(HEAD "serial: 7\n[a]: b\n", 4, 1, "a key that is not");
	refuses(HEAD "serial: 7\n\"a\\\"b\": c\n", 4, 1, "unknown key 'a\"b'");
}

static void kind_and_version_come_before_everything_else(void **state)
{
	struct document d;

	(void)state;
	refuses("version: 1\nserial: 7\n", 1, 1, "no 'kind: policy'");
	refuses("kind: policy\nserial: 7\n", 1, 1, "no 'version'");
	refuses("kind: lease\nversion: 1\nfoo: bar\n", 1, 7, "a lease, where a policy");
	refuses("kind: polish\nversion: 1\nserial: 7\n", 1, 7, "'polish' is no kind");
	refuses("kind: policy\nversion: 2\nfoo: bar\n", 2, 10, "version '2'");
	refuses("kind: policy\nversion: 1.0\nserial: 7\n", 2, 10, "version '1.0'");
	refuses("serial: 7\ninner: {kind: policy, version: 1}\n", 1, 1, "no 'kind");
	refuses("- kind\n- policy\n", 1, 1, "no 'kind");
	refuses("policy\n", 1, 1, "no 'kind");
	assert_int_equal(load("serial: 7\nversion: 1\nkind: policy\n", &d), 0);
	document_free(&d);
}

static void values_of_the_wrong_type_or_length_are_placed(void **state)
{
	(void)state;
	refuses(HEAD "serial: [7]\n", 3, 9, "STRING");
	refuses(HEAD "serial: 7\ncolour: blue\n", 4, 9, "blue");
	refuses(HEAD "serial: 7\ncolour: 1\n", 4, 9, "ENUM");
	refuses(HEAD "serial: 7\nnames: a\n", 4, 8, "SEQUENCE");
	refuses(HEAD "serial: 7\nnames: [a, b, c, d]\n", 4, 18, "xcessive");
	refuses(HEAD "serial: 7\nnames:\n  - abcdefghijklmnop\n", 5, 5, "length");
	refuses(HEAD "serial: \"\"\n", 3, 9, "length");
	refuses(HEAD "serial: 7\ninner: a\n", 4, 8, "MAPPING");
	refuses(HEAD "colour: red\n", 3, 9, "serial");
	refuses(HEAD "serial: 7\nnames: [[a], b]\n", 4, 9, "STRING");
}

static void quoted_numbers_of_other_bases_are_found_too(void **state)
{
	(void)state;
	refuses(HEAD "serial: \"0x10\"\n", 3, 9, "octal, hexadecimal or binary number: '0x10'");
	refuses(HEAD "serial: 7\nnames: [a, '010']\n", 4, 12, "octal");
}

static void what_yaml_itself_refuses_is_placed(void **state)
{
	(void)state;
	refuses(HEAD "serial: 7\n  x: y\n", 4, 4, "not allowed");
	refuses(HEAD "serial: {a: b\n", 4, 1, "expected");
	refuses(HEAD "a: b: c\n", 3, 5, "not allowed");
}

static void nests_no_deeper_than_any_schema(void **state)
{
	(void)state;
	refuses(HEAD "serial: 7\ninner:\n- - - - - - - - a\n", 5, 15, "nested");
}

static void a_fault_names_the_key_and_stands_at_its_value(void **state)
{
	OWNS_DOCUMENT struct document d = { 0 };

	(void)state;
	assert_int_equal(load(HEAD "serial: 7\nnames:\n  - a\n  - b\ninner: {word: x}\n", &d), 0);
	assert_int_equal(document_fault(&d, "serial", -1, "odd", &error), -EBADMSG);
	assert_int_equal(error.line, 3);
	assert_int_equal(error.column, 9);
	assert_string_equal(error.text, "serial: odd");
	(void)document_fault(&d, "names", 1, "odd", &error);
	assert_int_equal(error.line, 6);
	assert_int_equal(error.column, 5);
	(void)document_fault(&d, "names", -1, "odd", &error);
	assert_int_equal(error.line, 5);
	assert_int_equal(error.column, 3);
	(void)document_fault(&d, "inner.word", -1, "odd", &error);
	assert_int_equal(error.line, 7);
	assert_int_equal(error.column, 15);
	(void)document_fault(&d, "colour", -1, "odd", &error);
	assert_int_equal(error.line, 1);
}

static void errors_never_carry_bytes_of_the_text_that_a_terminal_reads(void **state)
{
	(void)state;
	refuses(HEAD "serial: 7\n\xc3\xa4: 1\n", 4, 1,
		"unknown key '?"
		"?'");
}

static void reads_a_kind_without_believing_it(void **state)
{
	enum document_kind kind = N_DOCUMENT_KINDS;
	const char *text = "whatever: 1\nkind: lease\nversion: 1\n";

	(void)state;
	assert_int_equal(document_kind_read(text, strlen(text), &kind, &error), 0);
	assert_int_equal(kind, DOCUMENT_LEASE);
	assert_int_equal(document_kind_read("a: 1\n", 5, &kind, &error), -EBADMSG);
	assert_int_equal(kind, DOCUMENT_LEASE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loads_what_the_schema_describes),
		cmocka_unit_test(places_unknown_and_duplicate_keys_at_every_depth),
		cmocka_unit_test(kind_and_version_come_before_everything_else),
		cmocka_unit_test(values_of_the_wrong_type_or_length_are_placed),
		cmocka_unit_test(quoted_numbers_of_other_bases_are_found_too),
		cmocka_unit_test(what_yaml_itself_refuses_is_placed),
		cmocka_unit_test(nests_no_deeper_than_any_schema),
		cmocka_unit_test(a_fault_names_the_key_and_stands_at_its_value),
		cmocka_unit_test(errors_never_carry_bytes_of_the_text_that_a_terminal_reads),
		cmocka_unit_test(reads_a_kind_without_believing_it),
	};

	return cmocka_run_group_tests_name("document", tests, NULL, NULL);
}
