# SPDX-License-Identifier: MIT
# Draws the validation curves of runs to a PNG.
#
#   gnuplot -e "out='curves.png'; runs='runs/a runs/b'; titles='vanilla tmm'; bigram=4.56" plot_curves.gp
if (!exists("out")) out = "curves.png"
if (!exists("subtitle")) subtitle = ""
set terminal pngcairo size 1000,640 enhanced font "sans,13" linewidth 1.6
set output out
set datafile separator ","
set datafile missing ""
set title "Validation loss under the same budget\n{/*0.8 ".subtitle."}" noenhanced
if (subtitle eq "") set title "Validation loss under the same budget"
set xlabel "training tokens (thousands)"
set ylabel "validation loss (nats per token)"
set grid lc rgb "#dddddd" lw 0.6
set key top right spacing 1.3 samplen 2.5
set border 3 lw 0.8
set tics nomirror out
set offsets graph 0, graph 0.02, graph 0.05, graph 0.04
array colours[6] = ["#1f5fa8", "#c8432b", "#2e8b57", "#8a4fb0", "#c79a1c", "#444444"]
log_of(i) = word(runs, i)."/log.csv"
n = words(runs)
# Column 4 is empty in rows without a validation: those are left out, the others joined.
if (exists("bigram")) {
  plot for [i=1:n] "< awk -F, 'NR > 1 && $4 != \"\"' '".log_of(i)."'" using ($2/1000):4 \
         with linespoints lw 2 pt 7 ps 0.7 lc rgb colours[(i-1)%6+1] title word(titles, i) noenhanced, \
       bigram with lines dt 2 lw 1.5 lc rgb "#555555" title sprintf("interpolated bigram, %.2f", bigram)
} else {
  plot for [i=1:n] "< awk -F, 'NR > 1 && $4 != \"\"' '".log_of(i)."'" using ($2/1000):4 \
         with linespoints lw 2 pt 7 ps 0.7 lc rgb colours[(i-1)%6+1] title word(titles, i) noenhanced
}
