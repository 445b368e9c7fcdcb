"""The light theme of reports: the window's roles of colour, on white so that they print."""

from __future__ import annotations

ACCENT = "#0b7d72"
NEUTRAL = "#2f6fc4"
AMBER = "#d98a14"
MUTED = "#566273"
LINE = "#d5dce4"
TEXT = "#151b23"

CSS = """
:root{--ground:#f4f6f8;--panel:#fff;--raised:#edf1f4;--line:#d5dce4;--text:#151b23;--muted:#566273;--accent:#0b7d72;
--positive:#d98a14;--positive-text:#8a5200;--danger:#b4232d;--neutral:#2f6fc4}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--text);
font:14px/1.5 Inter,"Segoe UI","Helvetica Neue",Helvetica,Arial,sans-serif;
font-variant-numeric:tabular-nums;-webkit-print-color-adjust:exact;print-color-adjust:exact}
main{max-width:1080px;margin:0 auto;padding:32px 24px 24px}
header{margin-bottom:24px}
.brand{font-weight:700;color:var(--accent)}.brand span{color:var(--text)}
h1{font-size:26px;line-height:1.2;margin:16px 0 4px}
h2{font-size:12px;letter-spacing:.08em;text-transform:uppercase;color:var(--muted);margin:0 0 16px}
h3{font-size:16px;margin:24px 0 4px}h2+h3,.card h3:first-child{margin-top:0}
p{margin:0 0 8px;max-width:104ch}
.nowrap{white-space:nowrap}
.muted{color:var(--muted)}.small{font-size:12px}.lead{font-size:18px;line-height:1.4}
.badges{display:flex;gap:8px;flex-wrap:wrap;margin-top:16px}
.badge{border:1px solid currentColor;border-radius:7px;padding:2px 8px;font-size:12px;font-weight:600}
.danger{color:var(--danger)}.badge.strong{background:var(--danger);border-color:var(--danger);color:#fff}
section{background:var(--panel);border:1px solid var(--line);border-radius:7px;padding:24px;margin-bottom:16px}
.scroll{overflow-x:auto;margin:8px 0 16px}
table{border-collapse:collapse;width:100%}
th,td{padding:8px 16px 8px 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}
thead th{font-size:12px;font-weight:600;color:var(--muted);vertical-align:bottom}
tbody th{font-weight:600}tbody tr:last-child>*{border-bottom:0}
table.confusion{width:auto;margin-top:4px}table.confusion td{min-width:72px}
dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 24px;margin:0 0 8px}
dt{color:var(--muted)}dd{margin:0;overflow-wrap:anywhere}
.tiles{display:flex;flex-wrap:wrap;gap:8px 40px;margin:16px 0}
.tile b{display:block;font-size:22px;line-height:1.2}.tile span{color:var(--muted);font-size:12px}
figure{margin:8px 0 0}figure svg,figure img{display:block;width:100%;height:auto}
figure img{border-radius:7px;background:#000}
figcaption{font-size:12px;color:var(--muted);margin-top:8px}
svg text{font-family:Inter,"Segoe UI","Helvetica Neue",Helvetica,Arial,sans-serif!important}
.pictures{display:grid;grid-template-columns:repeat(auto-fit,minmax(300px,1fr));gap:16px;margin-bottom:24px}
.similar{display:grid;grid-template-columns:repeat(4,minmax(0,168px));gap:16px;margin-bottom:8px}
.parts{display:grid;grid-template-columns:repeat(2,minmax(0,360px));gap:16px;margin-bottom:8px}
.finding h3{font-size:14px;margin:12px 0 0}.finding .scroll{max-width:560px}
.similar img{aspect-ratio:1;object-fit:contain}
.legend{display:grid;grid-template-columns:auto 1fr auto;gap:8px;align-items:center;font-size:12px;margin-top:8px}
.ramp{height:8px;border-radius:4px}
.finding{padding:12px 0;border-bottom:1px solid var(--line)}.finding:last-child{border-bottom:0}
.finding .top{display:flex;justify-content:space-between;gap:16px;font-weight:600}
.finding .call{font-weight:600}.finding .call.present{color:var(--positive-text)}.finding .call.absent{color:#245aa3}
.track{position:relative;height:10px;border-radius:5px;background:var(--raised);margin:6px 0}
.fill{position:absolute;inset:0 auto 0 0;border-radius:5px}
.fill.present{background:var(--positive)}.fill.absent{background:var(--neutral)}
.band{position:absolute;top:3px;bottom:3px;border-radius:2px;background:#fff;opacity:.75;outline:1px solid #7d8896}
.mark{position:absolute;top:-4px;bottom:-4px;width:3px;margin-left:-1.5px;background:var(--text);
outline:1px solid #fff}
ul.plain{list-style:none;margin:0;padding:0}ul.plain li{padding:8px 0;border-bottom:1px solid var(--line)}
ul.plain li:last-child{border-bottom:0}
.level{display:inline-block;min-width:72px;font-weight:600;margin-right:8px}
.level.error{color:var(--danger)}.level.warning{color:var(--positive-text)}.level.info{color:#245aa3}
details{margin-top:8px}summary{cursor:pointer;color:var(--accent);font-weight:600;margin-bottom:8px}
footer{color:var(--danger);font-size:12px;font-weight:600;padding:8px 0}
@media (max-width:760px){main{padding:16px}section{padding:16px}}
@page{margin:14mm}
@media print{body{background:#fff;font-size:11px}main{max-width:none;padding:0}
section{border:0;border-top:1px solid var(--line);border-radius:0;padding:16px 0;margin:0}
p{break-inside:avoid;max-width:none}.small,figcaption,thead th{font-size:10px}
figure,tr,.finding,.card,.confusion,li{break-inside:avoid}h2,h3,section>p{break-after:avoid}.scroll{overflow:visible}}
""".strip()
