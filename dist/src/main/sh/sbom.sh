#!/bin/sh
# Prints the bill of materials of the tree as CycloneDX 1.6: sbom.sh MODULE_FOLDER TREE VERSION
# Each library with the sum of the very file, its coordinates as Maven's repository has them, and its licence as
# src/main/deb/copyright says. Fails where that says nothing: who adds a library looks at its licence.
set -eu
export LC_ALL=C.UTF-8
dist=$1 tree=$2 version=$3
root=${dist%/*}

# All jars that Maven took from its repository, a path each.
repository_jars() {
    for module in shim-v2 grpc v1-bridge ctl; do
        cat "$root/$module/target/class-path" && echo
    done | tr ':' '\n' | grep -v '/target/[^/]*\.jar$' | sed '/^$/d' | sort -u
}

# The folder that all of them are in.
repository() {
    repository_jars | awk -F / '
        NR == 1 { count = NF; split($0, part) }
        { for (i = 1; i <= count; i++) if ($i != part[i]) { count = i - 1; break } }
        END { for (i = 2; i <= count; i++) printf "/%s", part[i] }'
}

licence_of() { # name of a jar
    awk -v jar="$1" '
        /^Files:/ { files = 1 }
        /^[A-Za-z-]+:/ && !/^Files:/ { files = 0 }
        files && $NF != "*" {
            pattern = $NF
            sub(/^\*\//, "", pattern)
            gsub(/\./, "[.]", pattern)
            gsub(/\*/, ".*", pattern)
            if (jar ~ "^" pattern "$") found = 1
        }
        found && /^License:/ { sub(/^License: /, ""); print; exit }' "$dist/src/main/deb/copyright"
}

licence_json() { # as in copyright
    case $1 in
    Expat) echo '{"license": {"id": "MIT"}}' ;;
    'GPL-2 with Classpath exception') echo '{"expression": "GPL-2.0-only WITH Classpath-exception-2.0"}' ;;
    'EPL-2.0 or GPL-2+ or LGPL-2.1+') echo '{"expression": "EPL-2.0 OR GPL-2.0-or-later OR LGPL-2.1-or-later"}' ;;
    *) echo "{\"license\": {\"id\": \"$1\"}}" ;;
    esac
}

component() { # type, group, name, version, purl, file, licence
    printf '    {"type": "%s", ' "$1"
    [ -z "$2" ] || printf '"group": "%s", ' "$2"
    printf '"name": "%s", "version": "%s", "bom-ref": "%s", "purl": "%s",\n' "$3" "$4" "$5" "$5"
    printf '     "hashes": [{"alg": "SHA-256", "content": "%s"}], "licenses": [%s]}' \
        "$(sha256sum <"$6" | cut -d ' ' -f 1)" "$(licence_json "$7")"
}

library() { # path in Maven's repository
    name=${1##*/} folder=${1%/*}
    library_version=${folder##*/} folder=${folder%/*}
    artifact=${folder##*/}
    group=$(printf %s "${folder%/*}" | sed -e "s|^$repository/||" -e 's|/|.|g')
    file=$tree/lib/app/$name
    [ -f "$file" ] || file=$tree/lib/grpc/$name
    [ -f "$file" ] || { echo "sbom: $name is on a class path but not in the tree" >&2 && exit 1; }
    licence=$(licence_of "$name")
    [ -n "$licence" ] || { echo "sbom: $name is not in src/main/deb/copyright: add it" >&2 && exit 1; }
    classifier=${name#"$artifact-$library_version"} classifier=${classifier%.jar}
    component library "$group" "$artifact" "$library_version" \
        "pkg:maven/$group/$artifact@$library_version${classifier:+?classifier=${classifier#-}}" "$file" "$licence"
}

repository=$(repository)
cat <<JSON
{
  "bomFormat": "CycloneDX",
  "specVersion": "1.6",
  "version": 1,
  "metadata": {
    "component": {"type": "application", "group": "dev.jshim", "name": "jshim", "version": "$version",
      "bom-ref": "pkg:maven/dev.jshim/jshim@$version", "purl": "pkg:maven/dev.jshim/jshim@$version",
      "licenses": [{"license": {"id": "Apache-2.0"}}]}
  },
  "components": [
JSON
java_version=$(sed -n 's/^JAVA_VERSION="\(.*\)"/\1/p' "$tree/lib/jvm/release")
component platform '' openjdk "$java_version" "pkg:generic/openjdk@$java_version" "$tree/lib/jvm/lib/modules" \
    'GPL-2 with Classpath exception'
for jar in "$tree"/lib/app/*-"$version".jar "$tree"/lib/grpc/grpc-"$version".jar; do
    name=$(basename "$jar" "-$version.jar")
    printf ',\n'
    component library dev.jshim "$name" "$version" "pkg:maven/dev.jshim/$name@$version" "$jar" Apache-2.0
done
for program in lib/native/jshim-keeper bin/containerd-shim-v2-oci bin/containerd-shim-v1-linux; do
    name=${program##*/}
    printf ',\n'
    component application dev.jshim "$name" "$version" "pkg:generic/$name@$version" "$tree/$program" Apache-2.0
done
repository_jars | while read -r path; do
    printf ',\n'
    library "$path"
done
printf '\n  ]\n}\n'
