/* report_style.h - the style sheet of the report's page. For report_html.c. */
#ifndef POLICY_REPORT_STYLE_H
#define POLICY_REPORT_STYLE_H

/* Colours are never alone: a word stands on or beside each of them. Contrast is at least 4.5:1. */
#define REPORT_STYLE                                                                               \
	":root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--ink:#1b2330;--soft:#566072;"     \
	"--line:#dde2ea;--good:#16693a;--note:#7a5200;--bad:#a11d1d;--unknown:#4b4f86}\n"          \
	"@media(prefers-color-scheme:dark){:root{--bg:#12161d;--card:#1a2029;--ink:#e7ebf2;"       \
	"--soft:#a3adbd;--line:#2d3644;--good:#6fd39a;--note:#e8b85a;--bad:#ff8f8f;"               \
	"--unknown:#b3b8ff}}\n"                                                                    \
	"*{box-sizing:border-box}body{margin:0 auto;max-width:72rem;padding:2rem 1.25rem;"         \
	"background:var(--bg);color:var(--ink);font:16px/1.5 system-ui,sans-serif}\n"              \
	"header{border-bottom:1px solid var(--line);padding-bottom:1rem}"                          \
	".brand{margin:0;color:var(--soft);letter-spacing:.08em;text-transform:uppercase;"         \
	"font-size:.8rem}h1{margin:.1rem 0 .6rem;font-size:2rem}"                                  \
	"h2{margin:2.2rem 0 .8rem;font-size:1.3rem}h3{margin:.3rem 0;font-size:1rem}\n"            \
	".verdict{display:inline-block;margin:0;padding:.35rem .9rem;border-radius:2rem;"          \
	"border:2px solid;font-weight:600}"                                                        \
	".good{color:var(--good)}.note{color:var(--note)}.bad{color:var(--bad)}"                   \
	".unknown{color:var(--unknown)}\n"                                                         \
	"dl{display:flex;flex-wrap:wrap;gap:.4rem 2rem;margin:1rem 0 0}dt{color:var(--soft);"      \
	"font-size:.8rem}dd{margin:0;overflow-wrap:anywhere}"                                      \
	".fine{color:var(--soft);font-size:.85rem;margin:.6rem 0 0}\n"                             \
	".checks{list-style:none;margin:0;padding:0;display:grid;gap:.8rem;"                       \
	"grid-template-columns:repeat(auto-fit,minmax(19rem,1fr))}"                                \
	".checks li{background:var(--card);border:1px solid var(--line);border-left:5px solid "    \
	"currentColor;border-radius:.5rem;padding:.8rem 1rem}"                                     \
	".checks h3,.checks p{color:var(--ink)}.checks p{margin:0}"                                \
	".mark{float:right;font-size:.8rem;font-weight:600}\n"                                     \
	"figure{margin:0 0 1rem;padding:1rem;background:var(--card);"                              \
	"border:1px solid var(--line);border-radius:.5rem}svg{width:100%;height:auto;display:"     \
	"block}svg text{fill:currentColor;font:15px system-ui,sans-serif}"                         \
	"figcaption{margin-top:.6rem}\n"                                                           \
	".k{display:inline-block;padding:.05rem .55rem;border-radius:1rem;font-size:.85rem;"       \
	"color:#fff}.z-unknown{background:#5d6675;fill:#8a94a5}"                                   \
	".z-suspect{background:#95600a;fill:#d9962e}.z-proven{background:#1f5fa8;fill:#3f86d8}"    \
	".z-foreign{background:#6d3fa0;fill:#9a6bd0}.z-home{background:#1f7044;fill:#3fae72}"      \
	".z-other{background:#444;fill:#777}\n"                                                    \
	".scroll{overflow-x:auto;background:var(--card);border:1px solid var(--line);"             \
	"border-radius:.5rem}table{border-collapse:collapse;width:100%;font-size:.9rem}"           \
	"caption{text-align:left;padding:.6rem .8rem;color:var(--soft)}"                           \
	"th,td{text-align:left;padding:.4rem .8rem;border-top:1px solid var(--line);"              \
	"vertical-align:top;overflow-wrap:break-word}"                                             \
	"th{color:var(--soft);font-weight:600;white-space:nowrap}"                                 \
	".t{white-space:nowrap;font-variant-numeric:tabular-nums}"                                 \
	"summary{cursor:pointer;padding:.4rem 0}\n"                                                \
	"@media print{body{background:#fff;max-width:none}details{display:block}}\n"

#endif
