#!/usr/bin/env bash
# Fetches the web files of others into web/static/vendor, at the versions below.
# They are committed: the product needs no npm to build and no network to run.
set -euo pipefail
cd "$(dirname "$0")/.."

htmx=2.0.11
tabler=1.6.1
icons=3.52.0
echarts=6.1.0

vendor=$PWD/web/static/vendor
list=$PWD/scripts/icons.txt
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Only unpacked: no script of a package is run, and what it depends on is not wanted.
unpack() {
	(cd "$work" && tar -xzf "$(npm pack --silent --ignore-scripts "$1@$2")" && mv package "$3")
}
unpack htmx.org "$htmx" htmx
unpack @tabler/core "$tabler" tabler
unpack @tabler/icons "$icons" icons
unpack echarts "$echarts" echarts

rm -rf "$vendor"
mkdir -p "$vendor"

cp "$work/htmx/dist/htmx.min.js" "$vendor/htmx.min.js"
cp "$work/htmx/LICENSE" "$vendor/htmx.LICENSE"

# Without the reference to its source map, which is not served.
sed '/^\/\*# sourceMappingURL=.*\*\/$/d' "$work/tabler/dist/css/tabler.min.css" >"$vendor/tabler.min.css"
# The package has no file with its licence, MIT: the words are those of its
# sister package, the holders those that the style sheet names.
{
	echo 'MIT License'
	echo
	sed -nE '1,8s/^ \* (Copyright .*)/\1/p' "$vendor/tabler.min.css"
	echo
	sed -n '/^Permission is hereby granted/,$p' "$work/icons/LICENSE"
} >"$vendor/tabler.LICENSE"

# One file with a symbol for each icon: <svg><use href="…/tabler-icons.svg#tabler-NAME"/></svg>.
# Colour and stroke come from the page.
{
	echo '<svg xmlns="http://www.w3.org/2000/svg">'
	while read -r name; do
		source=$work/icons/icons/outline/$name.svg
		[ -e "$source" ] || { echo "no icon named $name" >&2; exit 1; }
		printf '<symbol id="tabler-%s" viewBox="0 0 24 24">' "$name"
		# The drawing itself; the invisible square that some begin with is left out.
		tr '\n' ' ' <"$source" | sed -E 's/.*<svg[^>]*>//; s/<\/svg>.*//; s/<path stroke="none"[^>]*\/>//g; s/ +/ /g; s/> </></g; s/^ //; s/ $//'
		echo '</symbol>'
	done < <(grep -v '^#' "$list")
	echo '</svg>'
} >"$vendor/tabler-icons.svg"
cp "$work/icons/LICENSE" "$vendor/tabler-icons.LICENSE"

# The smallest of its official bundles: bars, lines and pies on one grid.
cp "$work/echarts/dist/echarts.simple.min.js" "$vendor/echarts.simple.min.js"
cat "$work/echarts/LICENSE" "$work/echarts/licenses/LICENSE-d3" >"$vendor/echarts.LICENSE"
cp "$work/echarts/NOTICE" "$vendor/echarts.NOTICE"

row() { printf '| `%s` | %s %s | %s |\n' "$1" "$2" "$3" "$4"; }
{
	cat <<-'MARKDOWN'
		# Web files of others

		Made by `make assets`; the versions are in `scripts/assets.sh`, the icons in
		`scripts/icons.txt`. Nothing here is edited by hand, and nothing is loaded from
		elsewhere when a page is shown.

		| file | from npm | licence |
		|---|---|---|
	MARKDOWN
	row htmx.min.js htmx.org "$htmx" 0BSD
	row tabler.min.css @tabler/core "$tabler" MIT
	row tabler-icons.svg @tabler/icons "$icons" MIT
	row echarts.simple.min.js echarts "$echarts" Apache-2.0
	cat <<-'MARKDOWN'

		`tabler.min.css` is without the reference to its source map, and shows small
		pictures from `data:` addresses of its own. `tabler-icons.svg` holds each icon as
		the symbol `tabler-NAME`. The licence texts stand beside the files.
	MARKDOWN
} >"$vendor/README.md"

ls -l "$vendor"
