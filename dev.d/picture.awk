# Makes an SVG picture of a terminal's screen: text with the colours of ECMA-48, as `tmux capture-pane -e` writes it.

BEGIN {
    fill[31] = "#ff7b72"; fill[32] = "#7ee787"; fill[33] = "#f2cc60"
    high = 18
    wide = 8.4
}

# A colour goes on until another one, or none, is set: also over the end of a line.
function colored(line,    out, code) {
    gsub(/&/, "\\&amp;", line); gsub(/</, "\\&lt;", line); gsub(/>/, "\\&gt;", line)
    out = color == "" ? "" : "<tspan fill=\"" color "\">"
    while (match(line, /\033\[[0-9;]*m/)) {
        code = substr(line, RSTART + 2, RLENGTH - 3)
        out = out substr(line, 1, RSTART - 1) (color == "" ? "" : "</tspan>")
        color = fill[code]
        out = out (color == "" ? "" : "<tspan fill=\"" color "\">")
        line = substr(line, RSTART + RLENGTH)
    }
    out = out line (color == "" ? "" : "</tspan>")
    gsub(/<tspan fill="[^"]*"><\/tspan>/, "", out)
    return out
}

{
    plain = $0
    gsub(/\033\[[0-9;]*m/, "", plain)
    if (length(plain) > longest) longest = length(plain)
    lines[NR] = colored($0)
}

END {
    printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\">\n", longest * wide + 32, NR * high + 28
    print "<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#0d1117\"/>"
    print "<g fill=\"#e6edf3\" font-family=\"ui-monospace, Menlo, Consolas, monospace\" font-size=\"14\">"
    for (i = 1; i <= NR; i++)
        printf "<text x=\"16\" y=\"%d\" xml:space=\"preserve\">%s</text>\n", i * high + 10, lines[i]
    print "</g>\n</svg>"
}
