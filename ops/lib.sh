# Shared by ops/run, ops/test and ops/dev: packages, the environment of children, npm targets, builds. Sourced, bash.
# Owns nothing that runs: processes belong to `holdpoint up` and ops/demo/targets.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
npm_folder=$root/build/npm
npm_pins=(dynalite@3.2.2 s3rver@3.7.1 @aws-sdk/client-dynamodb@3.758.0 @aws-sdk/client-s3@3.758.0 @aws-sdk/client-sts@3.758.0)

say() { printf '%s\n' "$*"; }
step() { printf '\n== %s\n' "$*"; }
die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# Proxies matter to apt and npm alone; everything else talks to loopback. AWS_* of the caller must not steer a client
# of ours. A pyenv or a Node manager may stand in PATH: Debian's programs come first.
original_environment=()
for name in http_proxy https_proxy ftp_proxy no_proxy all_proxy HTTP_PROXY HTTPS_PROXY FTP_PROXY NO_PROXY ALL_PROXY; do
  if [ -n "${!name:-}" ]; then
    original_environment+=("$name=${!name}")
    unset "$name"
  fi
done
for name in ${!AWS_@} ${!PG@} PYTHONPATH PYTHONHOME NODE_OPTIONS; do unset "$name"; done
export PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
export LC_ALL=C.UTF-8 AWS_EC2_METADATA_DISABLED=true
unset LANGUAGE CDPATH

# as_root COMMAND...: runs it as root, or says what a person with root must do.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo -- "$@"
  else
    die "this step needs root and there is neither root nor sudo. Let an administrator run: $*"
  fi
}

# packages_of KIND...: the names, in the file's order; a line whose command is there already is left out.
packages_of() {
  local kind name rest command
  while read -r kind name rest; do
    case " $* " in *" $kind "*) ;; *) continue ;; esac
    command=$(sed -n 's/^.*|.*|[[:space:]]*\([^|[:space:]]*\)[[:space:]]*$/\1/p' <<<"$rest")
    if [ -n "$command" ] && command -v "$command" >/dev/null; then continue; fi
    printf '%s\n' "$name"
  done < <(grep -E '^[a-z]' "$root/ops/packages")
}

missing_packages() {
  local name
  for name in $(packages_of "$@"); do
    dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null | grep -qx installed || printf '%s\n' "$name"
  done
}

check_debian() {
  command -v dpkg-query >/dev/null || die "this is not Debian; Holdpoint is built and run on Debian 12 (bookworm)."
}

# install_packages KIND...: nothing at all when everything is there, so that it works offline.
# Never removes a package: a conflict is named and ends the run.
install_packages() {
  check_debian
  local missing plan removed
  mapfile -t missing < <(missing_packages "$@")
  if [ ${#missing[@]} -eq 0 ]; then
    say "packages: all there"
    return
  fi
  say "packages to install: ${missing[*]}"
  if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
    die "packages are missing and there is neither root nor sudo. Let an administrator run:
  apt-get install --no-remove --no-install-recommends ${missing[*]}"
  fi
  apt_get update || die "apt-get update failed; the lines above say why (network, proxy, /etc/apt/sources.list)."
  plan=$(apt-get install -s --no-install-recommends "${missing[@]}" 2>&1) || die "apt cannot install these packages:
$(grep -vE '^(Reading|Building|Inst|Conf)' <<<"$plan")"
  removed=$(sed -n 's/^Remv \([^ ]*\).*/\1/p' <<<"$plan" | tr '\n' ' ')
  if [ -n "$removed" ]; then
    die "installing ${missing[*]} would remove: $removed
Nothing was changed. These packages conflict; remove them yourself if nothing needs them: apt-get remove $removed"
  fi
  say "apt will install $(grep -c '^Inst ' <<<"$plan") packages ($(apt_size "${missing[@]}"))"
  keep_postgresql_clusters_out "${missing[@]}"
  apt_get install -y -q --no-remove --no-install-recommends "${missing[@]}" ||
    die "apt-get install failed; the lines above say why. Running this again continues."
  let_postgresql_clusters_in
}

apt_get() {
  as_root env "${original_environment[@]}" DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=a \
    apt-get -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" </dev/null
}

apt_size() {
  apt-get install --assume-no --no-install-recommends "$@" 2>/dev/null </dev/null |
    sed -n 's/^Need to get \(.*\) of archives\./\1 to fetch/p; s/^After this operation, \(.*\) of additional.*/\1 on disk/p' |
    paste -sd, - | sed 's/,/, /'
}

# postgresql-15 makes and starts a cluster `main` on port 5432 when it is installed, unless it is told not to first.
cluster_switch=/etc/postgresql-common/createcluster.d/holdpoint-install.conf
keep_postgresql_clusters_out() {
  case " $* " in *" postgresql-15 "*) ;; *) return 0 ;; esac
  apt_get install -y -q --no-remove --no-install-recommends postgresql-common ||
    die "postgresql-common cannot be installed; the lines above say why."
  as_root mkdir -p /etc/postgresql-common/createcluster.d
  printf '# Left by an interrupted ops/run of Holdpoint; may be deleted.\ncreate_main_cluster = false\n' |
    as_root tee "$cluster_switch" >/dev/null
}
let_postgresql_clusters_in() {
  if [ -e "$cluster_switch" ]; then as_root rm -f "$cluster_switch"; fi
}

# install_npm: the demo's targets and the JavaScript client, at pinned versions.
install_npm() {
  local stamp=$npm_folder/.installed want="${npm_pins[*]}"
  if [ "$(cat "$stamp" 2>/dev/null)" = "$want" ]; then
    say "npm packages: all there"
    return
  fi
  say "npm packages to install: ${npm_pins[*]} (about 40 MB into build/npm)"
  mkdir -p "$npm_folder"
  printf '{"name":"holdpoint-targets","private":true}\n' >"$npm_folder/package.json"
  env "${original_environment[@]}" npm install --prefix "$npm_folder" --no-audit --no-fund --no-package-lock \
    --no-update-notifier --loglevel=error "${npm_pins[@]}" </dev/null ||
    die "npm could not install; the lines above say why. Running this again continues."
  printf '%s' "$want" >"$stamp"
}

# How many compilers at once; HOLDPOINT_JOBS overrides.
jobs_of_machine() {
  # A translation unit takes up to a gigabyte.
  local cores memory
  if [ -n "${HOLDPOINT_JOBS:-}" ]; then
    printf '%s' "$HOLDPOINT_JOBS"
    return
  fi
  cores=$(nproc)
  memory=$(awk '/MemAvailable/ { print int($2 / 1200000) }' /proc/meminfo)
  [ "$memory" -lt 1 ] && memory=1
  [ "$memory" -lt "$cores" ] && cores=$memory
  printf '%s' "$cores"
}

# build PRESET [TARGET...]
build() {
  local preset=$1
  shift
  local folder=$root/build/$preset
  # A build folder that came along with a copied or moved checkout would go on building the other one.
  if [ -f "$folder/CMakeCache.txt" ] && ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$folder/CMakeCache.txt"; then
    say "build/$preset belongs to another checkout: it is made anew"
    rm -rf -- "$folder"
  fi
  export CCACHE_DIR=${CCACHE_DIR:-$HOME/.cache/ccache} CCACHE_NOHASHDIR=1 CCACHE_BASEDIR=$root
  if [ ! -f "$folder/build.ninja" ]; then
    (cd "$root" && cmake --preset "$preset" -Wno-dev) >"$root/build/$preset.configure.log" 2>&1 || {
      cat "$root/build/$preset.configure.log" >&2
      die "cmake could not configure the preset $preset."
    }
  fi
  ninja -C "$folder" -j "$(jobs_of_machine)" "$@" || die "the build of preset $preset failed; the lines above say where."
}

# One run of ops/run or ops/test at a time in a checkout; a killed one leaves nothing that stops the next.
lock_checkout() {
  mkdir -p "$root/build"
  exec {checkout_lock}>"$root/build/.lock"
  flock -n "$checkout_lock" || {
    say "another ops/run or ops/test works in this checkout; waiting for it"
    flock "$checkout_lock"
  }
}
