"""Colours and type of the report's page and of charts elsewhere."""

from __future__ import annotations

LIGHT = """
--paper:#fdfdfc;--ink:#1a1d20;--soft:#565e66;--line:#dcdfe2;--wash:#f3f4f4;
--c0:#1f5fa8;--c1:#b4540a;--c2:#2f7d5b;--c3:#8a4f9e;--c4:#94720b;--c5:#6b7680;--held:#e8590c2b
"""
DARK = """
--paper:#15181b;--ink:#e7e9eb;--soft:#a2abb3;--line:#343a40;--wash:#1d2125;
--c0:#7fb3ef;--c1:#f09a5c;--c2:#74c69d;--c3:#c79bd8;--c4:#d9b84a;--c5:#98a3ad;--held:#ff8c4238
"""
CHARTS = """
dl.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(8rem,1fr));gap:0 1.1rem;max-width:none;margin:1.4rem 0 0}
dl.figures>div{border-top:1px solid var(--line);padding:.6rem 0 .8rem}
dt{color:var(--soft);font-size:.875rem}
dd{margin:0;font-size:1.25rem;font-weight:600}
dd small{display:block;font-size:.8125rem;font-weight:400;color:var(--soft)}
.c0{--c:var(--c0)}.c1{--c:var(--c1)}.c2{--c:var(--c2)}.c3{--c:var(--c3)}.c4{--c:var(--c4)}.c5{--c:var(--c5)}
.timeline{padding-right:3.2rem}
.panel{margin-top:.9rem}
.head{margin:0 0 .2rem;font-size:.875rem;max-width:none;display:flex;flex-wrap:wrap;gap:.1rem .8rem;align-items:baseline}
.head .notes{margin-left:auto}
.plot{position:relative;height:5.4rem}
.plot.tall{height:14rem}
.plot svg{width:100%;height:100%;display:block;overflow:visible}
.plot path{fill:none;vector-effect:non-scaling-stroke}
.plot .grid{stroke:var(--line);stroke-width:1}
.plot .line{stroke:var(--c);stroke-width:1.6;stroke-linejoin:round}
.plot .band{fill:var(--c);opacity:.16}
.held{fill:var(--held)}
.side span{position:absolute;left:100%;padding-left:.45rem;transform:translateY(-50%);font-size:.75rem;color:var(--soft);white-space:nowrap}
.below{position:relative;height:1.5rem;margin-top:.3rem;border-top:1px solid var(--line)}
.below span,.axis span{position:absolute;top:.15rem;transform:translateX(-50%);font-size:.75rem;color:var(--soft);white-space:nowrap}
.below span:first-child{transform:none}
.key::before{content:"";display:inline-block;width:.7em;height:.7em;border-radius:2px;background:var(--c);margin-right:.4em}
.bar{display:flex;height:1.5rem;gap:2px}
.bar span{background:var(--c);min-width:2px}
ul.keys{list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:.1rem 1.4rem;font-size:.9375rem;max-width:none}
.keys .n{color:var(--soft)}
.rung{display:flex;align-items:center;height:1.9rem}
.rung .name{flex:0 0 8.5rem;font-size:.875rem}
.track{position:relative;flex:1;height:100%;margin-right:2.5rem}
.track>*{position:absolute}
.tick{top:0;bottom:0;width:1px;background:var(--line)}
.thick{top:.6rem;bottom:.6rem;background:var(--c0);border-radius:2px;min-width:3px}
.thin{top:.9rem;bottom:.9rem;background:var(--c0);opacity:.55}
.dot{width:.5rem;height:.5rem;top:.7rem;margin-left:-.25rem;border-radius:50%;border:1.5px solid var(--c0);background:var(--paper)}
@media(max-width:40rem){.axis span:nth-child(even),.below span:nth-child(even){display:none}.rung .name{flex-basis:5.8rem;font-size:.8125rem}
.track{margin-right:1.6rem}.timeline{padding-right:2.6rem}dd{font-size:1.1rem}}
"""
_PAGE = """
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);font:1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;
font-variant-numeric:tabular-nums}
main,header,footer{max-width:58rem;margin:0 auto;padding:0 1.25rem}
header{padding-top:2.5rem}
h1{font-size:1.15rem;font-weight:600;line-height:1.35;margin:0 0 .25rem;color:var(--soft)}
h2{font-size:1.2rem;line-height:1.3;margin:3rem 0 .6rem;padding-top:1rem;border-top:1px solid var(--line)}
h3{font-size:1rem;margin:1.6rem 0 .3rem}
p,ul,dl{margin:.5rem 0;max-width:44rem}
.question{color:var(--soft);margin:0 0 1.4rem}
.answer{font-size:1.45rem;line-height:1.4;font-weight:500;letter-spacing:-.005em;margin:0 0 .8rem;max-width:48rem;text-wrap:pretty}
.soft,figcaption,.unit,.notes{color:var(--soft)}
a{color:var(--c0)}
nav{margin:1.6rem 0 0;font-size:.9rem}
nav a{margin-right:1rem;white-space:nowrap;line-height:1.9}
.skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:.5rem;background:var(--paper);padding:.4rem}
:focus-visible{outline:2px solid var(--c0);outline-offset:2px}
.scroll{overflow-x:auto;margin:.6rem 0}
table{border-collapse:collapse;font-size:.9375rem;min-width:100%}
.caption{color:var(--soft);font-size:.875rem;margin:1.1rem 0 -.3rem}
th,td{text-align:left;font-weight:400;padding:.36rem .9rem .36rem 0;border-bottom:1px solid var(--line);vertical-align:top}
thead th{color:var(--soft);font-size:.875rem;white-space:nowrap}
td:not(.n){min-width:9rem}td>code{display:block;min-width:15rem}tbody th{min-width:7rem}
th.n,td.n{text-align:right;white-space:nowrap}
th.n:last-child,td.n:last-child{padding-right:0}
.map td{background:color-mix(in srgb,var(--c0) var(--d),transparent);padding:.36rem .5rem;border:2px solid var(--paper);min-width:4.5rem}.map s{opacity:.85}
.map thead th{white-space:normal;vertical-align:bottom;padding-right:.5rem}.map td.n:last-child{padding-right:.5rem}
details{margin:.6rem 0}
summary{cursor:pointer;color:var(--c0);font-size:.9375rem;width:fit-content}
figure{margin:1rem 0}
figcaption{font-size:.9rem;max-width:44rem}
pre{overflow-x:auto;background:var(--wash);padding:.8rem 1rem;font:.8125rem/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
code{font:.9em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
.claim{border-top:1px solid var(--line);padding:.8rem 0;display:grid;grid-template-columns:minmax(0,17rem) minmax(0,1fr);gap:.2rem 2rem}
.claim h3{margin:0;overflow-wrap:anywhere}.claim p{margin:0 0 .3rem}.claim .soft{font-size:.9375rem}
footer{color:var(--soft);font-size:.875rem;padding-top:2.5rem;padding-bottom:3rem}
@media(max-width:40rem){.claim{grid-template-columns:1fr}.answer{font-size:1.2rem}header{padding-top:1.5rem}}
@media print{nav,.skip{display:none}details>*{display:block}h2{break-after:avoid}figure{break-inside:avoid}}
"""
PAGE = f":root{{color-scheme:light dark;{LIGHT}}}@media(prefers-color-scheme:dark){{:root{{{DARK}}}}}{CHARTS}{_PAGE}"
# Inside somebody else's page: a notebook, whose own theme says whether it is dark.
INSIDE = (
    f".tokwatt{{{LIGHT};font:.95rem/1.45 system-ui,sans-serif;font-variant-numeric:tabular-nums;max-width:58rem;"
    f"[data-jp-theme-light=false] &{{{DARK}}}{CHARTS}figure{{margin:1rem 0}}figcaption,.soft,.unit,.notes{{color:var(--soft)}}}}"
)
