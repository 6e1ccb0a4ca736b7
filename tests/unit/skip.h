/* skip.h - cmocka's skip() with a reason, which tests/run shows. To be included behind cmocka.h. */
#ifndef TESTS_UNIT_SKIP_H
#define TESTS_UNIT_SKIP_H

#define skip_because(why) (print_message("# because: %s\n", (why)), skip())
#define SKIP_NO_LOCK	  "ASan turns mlock(2) into nothing"

#endif
