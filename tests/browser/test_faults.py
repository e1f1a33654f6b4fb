"A kernel that starts anew while a widget is shown."
import time


def test_a_kernel_restarts_below_a_widget(lab_page):
    lab_page.notebook("from study_group.widgets.token_strip import TokenStrip\nTokenStrip('Hello there')")
    lab_page.page.wait_for_selector(".token-strip[data-ready]")
    lab_page.log.clear()
    lab_page.page.evaluate("""async () => {
        const kernel = notebook.sessionContext.session.kernel;
        await kernel.restart();
        for (let i = 0; i < 600 && kernel.status !== 'idle'; i++) await new Promise(r => setTimeout(r, 50));
    }""")
    seen = "() => [...notebook.node.querySelectorAll('.jp-OutputArea-output')].map(n => n.innerText).join(' ')"
    assert "there" in lab_page.page.evaluate(seen)
    lab_page.page.locator(".token-strip textarea, .token-strip input").first.click(force=True)
    lab_page.page.keyboard.type("x")
    lab_page.page.wait_for_timeout(500)  # that nothing goes wrong can't be waited for
    assert "there" in lab_page.page.evaluate(seen) and lab_page.log == []
    assert lab_page.run_all() == []  # and the cell brings it back to life
    lab_page.page.wait_for_selector(".token-strip[data-ready]")
    path = lab_page.page.evaluate("async () => { await notebook.context.save(); return notebook.context.path; }")
    lab_page.close()
    lab_page.open(path)  # a page without that kernel's widgets
    lab_page.page.wait_for_function(f"() => ({seen})().includes('there')")
    end = time.monotonic() + 30
    while not lab_page.log and time.monotonic() < end: lab_page.page.wait_for_timeout(100)
    assert lab_page.log and all("widget model not found" in said for said in lab_page.log)  # ipywidgets misses it
    lab_page.close()
