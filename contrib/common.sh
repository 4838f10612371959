# Shared by quickstart and test: what is installed, and how. Sourced, never run.
# shellcheck shell=bash disable=SC2034

# Nothing that stands where this was started, or in variables of whoever started it, decides what code runs: root may be there.
unset CDPATH PYTHONPATH PYTHONHOME PYTHONSTARTUP
export PYTHONSAFEPATH=1
[ "$(id -u)" -ne 0 ] || unset TMPDIR # a directory of somebody else's, perhaps
umask 022

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
VENV=$ROOT/.venv

# program (or the path of a file)=Debian package
RUNTIME_NEEDS=(
  cryptsetup=cryptsetup-bin debugfs=e2fsprogs mke2fs=e2fsprogs gpg=gnupg gpg-agent=gpg-agent restic=restic rsync=rsync rclone=rclone
  ssh=openssh-client ssh-keyscan=openssh-client tar=tar zstd=zstd
  mkfs.vfat=dosfstools mkfs.exfat=exfatprogs
  /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf=fonts-dejavu-core
)
DEMO_NEEDS=(sshd=openssh-server)
TEST_NEEDS=(
  sshd=openssh-server vim=vim nano=nano ed=ed less=less shellcheck=shellcheck tmux=tmux setsid=util-linux ps=procps git=git
  pdftoppm=poppler-utils zbarimg=zbar-tools openssl=openssl umockdev-wrapper=umockdev strace=strace vsftpd=vsftpd wget=wget sfdisk=fdisk node=nodejs npm=npm mandoc=mandoc sqlite3=sqlite3
  pg_createcluster=postgresql mariadbd=mariadb-server-core mariadb-dump=mariadb-client mkfs.btrfs=btrfs-progs
  man=man-db zsh=zsh fish=fish pipx=pipx lintian=lintian
  chromium=chromium firefox-esr=firefox-esr
  systemd-analyze=systemd
)
# for contrib/test --all: the engine of Safari, and a screen for it
WEBKIT_NEEDS=(WebKitWebDriver=webkit2gtk-driver Xvfb=xvfb)
# for tests/system: a virtual machine and what its sticks are made with
SYSTEM_NEEDS=(
  qemu-system-x86_64=qemu-system-x86 qemu-img=qemu-utils mmdebstrap=mmdebstrap mke2fs=e2fsprogs cpio=cpio mcopy=mtools sfdisk=fdisk setpriv=util-linux
)

say() { printf '%s\n' "$*"; }
fail() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

# Install the Debian packages whose programs are missing; when not root, name them and stop.
need_programs() {
  local need python missing=()
  for need in "$@"; do
    [[ $need = /* && -e ${need%%=*} ]] && continue
    PATH=$PATH:/usr/sbin:/sbin command -v "${need%%=*}" >/dev/null 2>&1 || missing+=("${need#*=}")
  done
  for python in python3 /usr/bin/python3; do
    "$python" -I -c 'import venv, ensurepip' 2>/dev/null || missing+=(python3-venv)
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)
  if [ "$(id -u)" -ne 0 ]; then
    fail "these packages are missing; as root: apt install ${missing[*]}"
  fi
  say "Installing Debian packages: ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get -qq update
  apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null
}

# Debian's own Python, whatever else stands in PATH: the daemon must not hang on somebody's home, and what is tried out and tested runs
# on what the package runs on. Another one may be built without optimisation. Where Debian's is too old, the one in PATH is taken.
system_python() {
  if /usr/bin/python3 -I -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo /usr/bin/python3
  else
    command -v python3
  fi
}

PIP=(-I -m pip --quiet --quiet --disable-pip-version-check)

# Install what a lock file names and nothing else; a file with another hash is refused, and no code of a package runs.
# $1 is the Python whose pip does it, $2 the Python that gets the packages, $3 the lock file; the rest are options of pip.
install_locked() {
  local pip=$1 python=$2 lock=$3
  shift 3
  "$pip" "${PIP[@]}" --python "$python" install --require-hashes --only-binary :all: --requirement "$ROOT/contrib/$lock" "$@"
}

# Let the programs in a directory heed no PYTHON* variable, whoever calls them: root's path may lead through folders of others.
isolate() { sed -i '1s|^#!.*/python[0-9.]*$|& -I|' "$1"/paradu{ctl,xd}; }

# The day of the source, for whatever is dated: that of the last commit, or today.
date_of_source() { git -C "$ROOT" log -1 --format=%ct 2>/dev/null || date +%s; }

# Build the wheel of Paradux, with its manual pages, into the directory $3. $1: a Python with the packages of requirements-build.lock;
# $2: a directory with those of requirements.lock, for whatever Python and machine: nothing compiled is loaded.
build_wheel() {
  local python=$1 needs=$2 target=$3 source day
  source=$(mktemp -d)
  cp -r "$ROOT"/{pyproject.toml,README.md,LICENSE,paraduxd,paraductl,schema} "$source"
  mkdir "$source/contrib"
  cp -r "$ROOT"/contrib/{manuals.py,systemd} "$source/contrib"
  find "$source" -name __pycache__ -prune -exec rm -r {} +
  day=${SOURCE_DATE_EPOCH:-$(date_of_source)}
  PYTHONPATH=$source:$needs SOURCE_DATE_EPOCH=$day "$python" -s -B "$source/contrib/manuals.py" "$source/build/manual"
  SOURCE_DATE_EPOCH=$day "$python" "${PIP[@]}" wheel --no-cache-dir --no-index --no-deps --no-build-isolation --wheel-dir "$target" "$source"
  rm -rf "$source"
}

# Build .venv with Paradux in it, for what $1 names: "run" or "test". Nothing is done when it is up to date.
build_venv() {
  local for=$1 stamp=$VENV/.paradux-built python=$VENV/bin/python system wanted
  system=$(system_python)
  wanted="$(cat "$ROOT"/pyproject.toml "$ROOT"/contrib/requirements*.lock | sha256sum | cut -d' ' -f1) $system $("$system" -V)"
  if [ -x "$VENV/bin/paraductl" ] && [ -f "$stamp" ]; then
    case "$(cat "$stamp")" in
      "$for $wanted" | "test $wanted") return 0 ;;
    esac
  fi
  say "Building $VENV"
  # What was built by other lock files is built anew, so that nothing else is in it.
  if [ -f "$stamp" ] && ! grep -qF "$wanted" "$stamp"; then "$system" -I -m venv --clear "$VENV"; fi
  [ -x "$python" ] || "$system" -I -m venv "$VENV"
  install_locked "$python" "$python" requirements-build.lock
  install_locked "$python" "$python" requirements.lock
  # Some of what tests need exists as source only; it is built with the setuptools that was just installed.
  [ "$for" = run ] || "$python" "${PIP[@]}" install --require-hashes --no-build-isolation --use-pep517 --requirement "$ROOT/contrib/requirements-test.lock"
  # The plain path file instead of an import hook: the hook would cost every start of the client 20 ms.
  "$python" "${PIP[@]}" install --no-index --no-deps --no-build-isolation --config-settings editable_mode=compat --editable "$ROOT"
  isolate "$VENV/bin"
  printf '%s\n' "$for $wanted" >"$stamp"
}

# An independent SLIP-39 for tests/shares.
build_interop() { install_packages "$ROOT/tests/shares/interop"; }

# What recover.html is built from and tested with.
build_web() { install_packages "$ROOT/web"; }

# The npm packages of a folder, as its package-lock.json has them. Nothing is done when they are up to date.
install_packages() {
  local folder=$1
  cmp -s "$folder/package-lock.json" "$folder/node_modules/.paradux-built" && return 0
  say "Building $folder/node_modules"
  npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund --loglevel=error
  cp "$folder/package-lock.json" "$folder/node_modules/.paradux-built"
}
