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
set title "Validation loss under the same budget\n".subtitle noenhanced
set xlabel "training tokens (thousands)"
set ylabel "validation loss (nats per token)"
set grid lc rgb "#cccccc" lw 0.7
set key top right spacing 1.3 samplen 2.5
set border 3 lw 0.8
set tics nomirror out
set rmargin 4
set autoscale xfixmax
array colours[6] = ["#1f5fa8", "#c8432b", "#2e8b57", "#8a4fb0", "#c79a1c", "#444444"]
n = words(runs)
# Rows without a validation have an empty column 4: they are left out, the others joined.
validations(i) = "< awk -F, 'NR > 1 && $4 != \"\"' '".word(runs, i)."/log.csv'"
if (!exists("bigram")) bigram = NaN
plot for [i=1:n] validations(i) using ($2/1000):4 with linespoints lw 2 pt 7 ps 0.7 \
       lc rgb colours[(i-1)%6+1] title word(titles, i) noenhanced, \
     bigram with lines dt 2 lw 1.5 lc rgb "#555555" \
       title (bigram == bigram ? sprintf("interpolated bigram, %.2f", bigram) : "")
