"""What deploy/Dockerfile says, done without Docker: in a small Debian made by debootstrap, deleted afterwards.

    sudo .venv/bin/python tools/image.py                  # twenty minutes and 7 GB; exit code 1: it doesn't work
    …  --suite bookworm --torch-index https://pypi.org/simple --share /etc/pip.conf

FROM becomes a Debian of that suite with its own Python; COPY and RUN are done in it, then CMD is started as USER and
must answer on the port that EXPOSE names. Of this machine's variables, what pip and TLS need is handed on.
"""
import argparse, json, os, re, shutil, signal, socket, subprocess, sys, tempfile, time
from pathlib import Path
from urllib.request import urlopen

ROOT = Path(__file__).parent.parent
HANDED_ON = re.compile(r"PIP_\w+|(?:https?|no)_proxy|SSL_CERT_\w+", re.I)
SYSTEM = "python3", "python3-venv", "ca-certificates"  # what a python image has beside Debian's least
ASK = "from study_group.padding import classify; print(classify('A fine day.', progress=False)[0]['label'])"


def steps(dockerfile: str) -> list[tuple[str, str]]:
    "The instructions of `dockerfile`: what is to be done, and with what. Raises ValueError for one that isn't known."
    lines = re.sub(r"(?m)^#.*\n|\\\n", "", dockerfile).splitlines()
    found = [tuple(line.split(maxsplit=1)) for line in lines if line.strip()]
    known = {"FROM", "RUN", "WORKDIR", "COPY", "USER", "ENV", "EXPOSE", "CMD"}
    if odd := next((kind for kind, _ in found if kind not in known), None):
        raise ValueError(f"{odd} isn't among the instructions that this tool can follow: {', '.join(sorted(known))}.")
    return found


class Machine:
    "A Debian in `folder`, and where the instructions have got to in it."

    def __init__(self, folder: Path, suite: str, share: list[str], torch_index: str):
        self.folder, self.user, self.at, self.port, self.start = folder, "root", "/", 0, []
        self.env = {name: value for name, value in os.environ.items() if HANDED_ON.fullmatch(name)}
        self.env |= dict(PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", HOME="/root",
                         DEBIAN_FRONTEND="noninteractive", LC_ALL="C.UTF-8", PIP_NO_CACHE_DIR="1")
        if torch_index: self.env["MAKEFLAGS"] = f"TORCH_INDEX={torch_index}"
        command = ["debootstrap", "--variant=minbase", f"--include={','.join(SYSTEM)}", suite, folder]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        for place in ("/proc", "/dev"): self.share(place)
        for place in ("/etc/resolv.conf", "/etc/ssl/certs", *share): self.share(place, read_only=True)

    def share(self, place: str, read_only: bool = False):
        "Show this machine's `place` there; what is mounted is gone when this program ends."
        to = self.folder / place.lstrip("/")
        if Path(place).is_dir(): to.mkdir(parents=True, exist_ok=True)
        else: to.parent.mkdir(parents=True, exist_ok=True), to.touch()
        subprocess.run(["mount", "--rbind", place, to], check=True)
        if read_only: subprocess.run(["mount", "-o", "remount,bind,ro", to], check=True)

    def command(self, *words: str) -> list[str]:
        home = {"HOME": "/root" if self.user == "root" else f"/home/{self.user}"}
        env = [f"{name}={value}" for name, value in (self.env | home).items()]
        return ["chroot", f"--userspec={self.user}", self.folder, "env", "-i", "-C", self.at, *env, *words]

    def said(self, *words: str) -> str:
        "What a program prints there. Raises CalledProcessError."
        return subprocess.run(self.command(*words), check=True, stdout=subprocess.PIPE, text=True).stdout.strip()

    def follow(self, kind: str, what: str):
        "Do an instruction."
        if kind == "RUN": subprocess.run(self.command("sh", "-c", what), check=True)
        if kind == "COPY": self.copy(*what.split())
        if kind == "ENV": self.env |= {name: value.replace("$PATH", self.env["PATH"])
                                       for name, value in (pair.split("=", 1) for pair in what.split())}
        if kind == "USER": self.user = what
        if kind == "EXPOSE": self.port = int(what)
        if kind == "CMD": self.start = json.loads(what)
        if kind == "WORKDIR":
            self.at = what
            subprocess.run(["chroot", self.folder, "mkdir", "-p", what], check=True)

    def copy(self, source: str, to: str):
        "Copy the repository, without what the image leaves out. Raises ValueError for any other copy."
        if (source, to) != (".", "."): raise ValueError(f"COPY {source} {to}: this tool copies . to . alone.")
        out = (ROOT / "deploy/Dockerfile.dockerignore").read_text().split()
        ignore = shutil.ignore_patterns(*(name.removeprefix("**/") for name in out))
        shutil.copytree(ROOT, self.folder / self.at.lstrip("/"), ignore=ignore, symlinks=True, dirs_exist_ok=True)


def answers(machine: Machine, seconds: int = 120) -> str:
    "Start the image's server; what it says on its port. Raises TimeoutError, or RuntimeError where root runs it."
    address = f"http://127.0.0.1:{machine.port}/api"
    with socket.socket() as free: free.bind(("127.0.0.1", machine.port))  # else another would answer
    server = subprocess.Popen(machine.command(*machine.start), start_new_session=True)
    try:
        end = time.monotonic() + seconds
        while time.monotonic() < end and server.poll() is None:
            try: said = urlopen(address, timeout=5).read().decode()
            except OSError: time.sleep(1)
            else: break
        else: raise TimeoutError(f"{address} didn't answer in {seconds} seconds.")
        if not Path(f"/proc/{server.pid}").stat().st_uid: raise RuntimeError("The server runs as root.")
        return said
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--suite", default="trixie", help="Debian's name for its version (trixie has Python 3.13)")
    parser.add_argument("--torch-index", default="", help="where PyTorch comes from (default: as the Makefile says)")
    parser.add_argument("--share", nargs="*", default=[], metavar="PLACE", help="show this file or folder there too")
    parser.add_argument("--in", dest="work", help="the folder to work in (default: the system's for what is temporary)")
    args = parser.parse_args()
    if os.geteuid() or not shutil.which("debootstrap"): sys.exit("Only root can do this, and with debootstrap.")
    if not os.environ.get("STUDY_GROUP_OWN_MOUNTS"):
        env = os.environ | dict(STUDY_GROUP_OWN_MOUNTS="1")
        return subprocess.run(["unshare", "--mount", sys.executable, *sys.argv], env=env).returncode
    folder = Path(tempfile.mkdtemp(dir=args.work))
    folder.chmod(0o755)
    try:
        began = time.monotonic()
        machine = Machine(folder, args.suite, args.share, args.torch_index)
        for kind, what in steps((ROOT / "deploy/Dockerfile").read_text()):
            print(f"{time.monotonic() - began:5.0f} s  {kind} {what}", flush=True)
            machine.follow(kind, what)
        du = ["du", "-sxB1", *(f"--exclude={place}" for place in mounts(folder)), folder]
        size = subprocess.run(du, stdout=subprocess.PIPE, text=True, check=True).stdout.split()[0]
        print(f"{int(size)/1e9:.1f} GB; {machine.said('id')}; {machine.said('python', '--version')}")
        for words in (["jupyterhub-singleuser", "--version"], ["python", "-c", ASK]): print(machine.said(*words))
        print(f"the server says {answers(machine)}")
        return 0
    finally:
        for place in reversed(mounts(folder)): subprocess.run(["umount", "-l", place])
        if mounts(folder): sys.exit(f"{folder} is left, as something is mounted there: unmount it, then delete it.")
        shutil.rmtree(folder)


def mounts(folder: Path) -> list[str]:
    "What of this machine is shown in `folder`."
    places = (line.split()[1] for line in Path("/proc/mounts").read_text().splitlines())
    return [place for place in places if place.startswith(f"{folder}/")]


if __name__ == "__main__": sys.exit(main())
