"Notebooks made of cells, and one that tries to do something."
import json


def output(**data):
    return dict(output_type="display_data", metadata={}, data={k.replace("_", "/"): v for k, v in data.items()})


def code(source, *outputs):
    return dict(cell_type="code", metadata={}, source=source, execution_count=1, outputs=list(outputs))


def prose(source): return dict(cell_type="markdown", metadata={}, source=source)


def notebook(path, *cells, **metadata):
    path.write_text(json.dumps(dict(cells=cells, metadata=metadata, nbformat=4, nbformat_minor=4)))
    return path


EVIL = """<script>hacked = 1</script><img src=x onerror="hacked = 1"><img src="https://example.org/spy.png">
<svg onload="hacked = 1"><script>hacked = 1</script></svg><iframe src="https://example.org"></iframe>
<iframe srcdoc="<script>parent.hacked = 1</script>"></iframe><link rel="stylesheet" href="https://example.org/a.css">
<style>body { background: url(https://example.org/b.png) }</style>
<p style="background:url(https://example.org/c)">seen</p>
<p style="background:u\\72l(//example.org/d)">seen</p><a href="javascript:hacked=1">go</a>
<form action="https://example.org">
<button>go</button></form><object data="https://example.org"></object>
<meta http-equiv="refresh" content="0;url=//example.org">
<base href="https://example.org"><video autoplay src="https://example.org/v"></video><math><mtext></mtext>
<script>hacked = 1
</script></math><noscript><p title="</noscript><img src=x onerror=hacked=1>"></noscript>
<details open ontoggle="hacked = 1">x
</details><img srcset="https://example.org/e.png 2x">
<table background="https://example.org/f"><tr><td>twin</td></tr></table>
<!-- <img src=x onerror=hacked=1> --><input autofocus onfocus="hacked = 1"><script src="https://example.org/g.js">"""


def hostile(path):
    view = {"application/vnd.jupyter.widget-view+json": {"model_id": "a"}, "text/plain": "W()"}
    return notebook(path, prose("# <img src=x onerror=hacked=1> & {x} </title><script>hacked=1</script>"),
                    prose(EVIL),
                    code(f"x = '''{EVIL}'''",
                         output(text_html=EVIL), output(text_markdown=EVIL), dict(output(), data=view),
                         output(**{"image_svg+xml": "<svg xmlns='http://www.w3.org/2000/svg' onload='hacked=1'/>"}),
                         output(application_javascript="hacked = 1"), output(text_latex=EVIL), output(text_plain=EVIL),
                         dict(output_type="stream", name="stdout", text=EVIL)),
                    code("1/0", dict(output_type="error", ename=EVIL, evalue=EVIL, traceback=[EVIL])),
                    dict(cell_type="raw", metadata={}, source=EVIL),
                    title="</title><script>hacked = 1</script>", widgets={"x": EVIL})
