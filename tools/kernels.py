"""Kernels in a moment: forked, each by itself, from a process that has imported what takes seconds to import.

What a notebook imports of ours it still imports itself; so it does all where there is no fork (Windows).
"""
import atexit, json, os, subprocess, sys
from functools import cache
from importlib.metadata import EntryPoint

from jupyter_client import AsyncKernelManager
from jupyter_client.provisioning import KernelProvisionerFactory, LocalProvisioner

FORKS = """
import json, os, signal, sys
import datasets, fastcore.all, ipykernel.kernelapp, matplotlib.pyplot, pandas, sklearn.feature_extraction.text, torch
import sklearn.model_selection, torchvision, transformers.models.auto.modeling_auto, transformers.pipelines
pandas.set_option("display.max_columns", 20)  # as it has it in a notebook
signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # a child that ends is gone
for line in sys.stdin:
    argv, env, folder = json.loads(line)
    if pid := os.fork():
        print(pid, flush=True)
        continue
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    os.chdir(folder)
    for stream in (0, 1): os.dup2(os.open(os.devnull, os.O_RDWR), stream)
    os.environ.clear()
    os.environ.update(env)
    ipykernel.kernelapp.launch_new_instance(argv)
    break
"""


@cache
def forks() -> subprocess.Popen:
    "The process that forks a kernel for each line it reads, and writes its number."
    env = os.environ | {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    process = subprocess.Popen([sys.executable, "-c", FORKS], env=env, text=True, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE)
    atexit.register(process.kill)
    return process


class Forked:
    "A forked kernel, as far as jupyter_client asks a process."
    stdin = stdout = stderr = None

    def __init__(self, cmd: list[str], env: dict, folder: str):
        print(json.dumps([cmd[cmd.index("-f"):], env, str(folder)]), file=forks().stdin, flush=True)
        self.pid = int(forks().stdout.readline())

    def poll(self) -> int | None:
        try: os.kill(self.pid, 0)
        except ProcessLookupError: return 0

    wait = poll


class Provisioner(LocalProvisioner):
    async def launch_kernel(self, cmd, *, env, cwd, **more):
        self.process = Forked(cmd, env, cwd)
        self.pid = self.pgid = self.process.pid
        return self.connection_info


class Manager(AsyncKernelManager):
    @property
    def kernel_spec(self):
        spec = super().kernel_spec
        if hasattr(os, "fork"):
            KernelProvisionerFactory.instance().provisioners["forked"] = EntryPoint("forked", "kernels:Provisioner", "")
            spec.metadata["kernel_provisioner"] = dict(provisioner_name="forked")
        return spec
