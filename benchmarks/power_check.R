# Simulates and fits the studies that benchmarks/power_check.py compares `study power` with. It shares no code with it.
#
#     Rscript power_check.R FOLDER STUDIES SEED
#
# FOLDER has plan.csv (one row per run), effects.csv and sds.csv (term, value) and sizes.csv (numbers of runs, of
# targets). Writes critical.csv (critical p by family) and studies.csv (one row per study, number of runs and effect).
suppressMessages(library(lmerTest))
given <- commandArgs(TRUE)
folder <- given[1]
n_studies <- as.integer(given[2])
set.seed(as.integer(given[3]))
read <- function(name) read.csv(file.path(folder, name), check.names = FALSE, stringsAsFactors = FALSE)
valued <- function(table) setNames(table$value, table$term)
plan <- read("plan.csv")
effect <- valued(read("effects.csv"))
sd_of <- valued(read("sds.csv"))
sizes <- read("sizes.csv")
n_targets <- sizes$n_targets[1]
strategies <- c("SS-R", "MS-SR@FC", "MS-CR@6", "MS-CR@4", "MS-CR@2", "MSS-CR")
several <- strategies[-1]
DRAWS <- 100000

plan$n_star <- ifelse(plan$strategy == "SS-R", 0, plan$n_sources - 2)
plan$combination <- paste(plan$strategy, do.call(paste0, lapply(plan[grep("^source", names(plan))], substr, 1, 1)))
plan$single <- as.numeric(plan$n_sources == 1)

# Scores, term by term: what a strategy's score is on average, and how it differs on this target, for this run and for
# this combination.
draw_scores <- function() {
  n <- nrow(plan)
  of_run <- rnorm(n, 0, sd_of["run"])
  combinations <- unique(plan$combination)
  of_single <- setNames(rnorm(length(combinations), 0, sd_of["combination[one source]"]), combinations)
  of_several <- setNames(rnorm(length(combinations), 0, sd_of["combination"]), combinations)
  of_combination <- ifelse(plan$single == 1, of_single[plan$combination], of_several[plan$combination])
  sapply(seq_len(n_targets), function(target) {
    score <- rnorm(1, 0, 1) + of_run + of_combination + rnorm(n, 0, sd_of["residual"])
    for (s in strategies) {
      own <- plan$strategy == s
      mean_here <- effect[paste0("strategy[", s, "]")] + rnorm(1, 0, sd_of[paste0("strategy[", s, "]")])
      score[own] <- score[own] + mean_here
      if (s != "SS-R") {
        term <- paste0("strategy[", s, "]:n_star")
        score[own] <- score[own] + (effect[term] + rnorm(1, 0, sd_of[term])) * plan$n_star[own]
      }
    }
    score
  })
}

# The columns of the first `size` runs on every target: m1 to m6 and k1 to k5 are the fixed ones, cm1 to ck5 the same less
# their means, for the deviations by target.
rows_of <- function(size) {
  runs <- plan[seq_len(size), ]
  fixed <- data.frame(row.names = seq_len(size))
  for (j in seq_along(strategies)) fixed[[paste0("m", j)]] <- as.numeric(runs$strategy == strategies[j])
  for (j in seq_along(several)) fixed[[paste0("k", j)]] <- (runs$strategy == several[j]) * runs$n_star
  centred <- as.data.frame(scale(fixed, scale = FALSE))
  names(centred) <- paste0("c", names(fixed))
  one <- cbind(fixed, centred, run = seq_len(size), runs[c("combination", "single")], several = 1 - runs$single)
  rows <- do.call(rbind, rep(list(one), n_targets))
  rows$run <- factor(rows$run)
  # Two factors, so that lmer has no levels without scores: where the column is 0, the level does not matter.
  rows$of_one <- factor(ifelse(rows$single == 1, rows$combination, rows$combination[rows$single == 1][1]))
  rows$of_several <- factor(ifelse(rows$single == 0, rows$combination, rows$combination[rows$single == 0][1]))
  rows$target <- factor(rep(seq_len(n_targets), each = size))
  rows
}
FIXED <- c(paste0("m", 1:6), paste0("k", 1:5))
TERMS <- c(paste0("strategy[", strategies, "]"), paste0("strategy[", several, "]:n_star"))
FORMULA <- z ~ 0 + m1 + m2 + m3 + m4 + m5 + m6 + k1 + k2 + k3 + k4 + k5 +
  (0 + cm1 | target) + (0 + cm2 | target) + (0 + cm3 | target) + (0 + cm4 | target) + (0 + cm5 | target) +
  (0 + cm6 | target) + (0 + ck1 | target) + (0 + ck2 | target) + (0 + ck3 | target) + (0 + ck4 | target) +
  (0 + ck5 | target) + (1 | run) + (0 + single | of_one) + (0 + several | of_several)

# What is tested, as weights of the fixed columns: slopes, pairs at n* = 0 and, at another n*, pairs that are only in
# the family.
slopes <- cbind(matrix(0, 5, 6), diag(5))
rownames(slopes) <- TERMS[7:11]
pairs_at <- function(n_star) {
  weights <- list()
  for (a in 1:5) for (b in (a + 1):6) {
    w <- setNames(rep(0, 11), FIXED)
    w[paste0("m", b)] <- 1
    w[paste0("m", a)] <- -1
    w[paste0("k", b - 1)] <- n_star
    if (a > 1) w[paste0("k", a - 1)] <- -n_star
    weights[[paste(strategies[b], "-", strategies[a])]] <- w
  }
  do.call(rbind, weights)
}

# The p below which a member of a family is significant, at the true variances. Covariance of the estimates by
# generalised least squares; degrees of freedom by Satterthwaite's formula with the expected information of REML.
critical_p <- function(rows, weights) {
  x <- as.matrix(rows[FIXED])
  outer_by <- function(level, column) outer(column, column) * outer(level, level, "==")
  parts <- lapply(paste0("c", FIXED), function(name) outer_by(as.integer(rows$target), rows[[name]]))
  parts <- c(parts, list(
    outer_by(as.integer(rows$run), rep(1, nrow(rows))),
    outer_by(as.integer(rows$of_one), rows$single),
    outer_by(as.integer(rows$of_several), rows$several),
    diag(nrow(rows))
  ))
  variances <- c(sd_of[TERMS], sd_of[c("run", "combination[one source]", "combination", "residual")])^2
  v_inverse <- solve(Reduce(`+`, Map(`*`, parts, variances)))
  covariance <- solve(t(x) %*% v_inverse %*% x)
  gls <- v_inverse %*% x %*% covariance
  p <- v_inverse - gls %*% t(x) %*% v_inverse
  p_parts <- lapply(parts, function(part) p %*% part)
  information <- outer(seq_along(parts), seq_along(parts), Vectorize(function(i, j) {
    sum(p_parts[[i]] * t(p_parts[[j]])) / 2
  }))
  of_estimates <- weights %*% covariance %*% t(weights)
  # d(covariance)/d(variance k) = covariance x' V^-1 part V^-1 x covariance
  gradient <- sapply(parts, function(part) rowSums((weights %*% (t(gls) %*% part %*% gls)) * weights))
  of_variances <- gradient %*% solve(information, t(gradient))
  df <- 2 * diag(of_estimates)^2 / diag(of_variances)
  root <- function(covariance) {
    e <- eigen(cov2cor(covariance), symmetric = TRUE)
    e$vectors %*% diag(sqrt(pmax(e$values, 0)))
  }
  m <- nrow(weights)
  normal <- matrix(rnorm(DRAWS * m), ncol = m) %*% t(root(of_estimates))
  copula <- pnorm(matrix(rnorm(DRAWS * m), ncol = m) %*% t(root(of_variances)))
  least <- rep(1, DRAWS)
  for (j in seq_len(m)) {
    t_value <- abs(normal[, j]) / sqrt(qchisq(copula[, j], df[j]) / df[j])
    least <- pmin(least, 2 * pt(-t_value, df[j]))
  }
  quantile(least, 0.05, names = FALSE)
}

tight <- lmerControl(
  optimizer = "nloptwrap", optCtrl = list(xtol_abs = 1e-8, ftol_abs = 1e-10, maxeval = 100000), calc.derivs = FALSE,
  check.conv.singular = "ignore"
)
SETTLED <- 1e-6
# The optimiser may stop early: it is started again from its own result until the criterion falls no more.
fitted_to <- function(rows, theta) {
  criterion <- Inf
  repeat {
    fit <- lme4::lmer(FORMULA, rows, REML = TRUE, control = tight, start = list(theta = theta))
    theta <- getME(fit, "theta")
    if (criterion - REMLcrit(fit) < SETTLED) return(as_lmerModLmerTest(fit))
    criterion <- REMLcrit(fit)
  }
}
order_of_theta <- function(rows) { # the true theta, in lmer's order of the random terms
  parsed <- lFormula(FORMULA, cbind(rows, z = rnorm(nrow(rows))), control = tight)
  names <- unlist(parsed$reTrms$cnms)
  groups <- names(parsed$reTrms$cnms)
  known <- c(
    setNames(sd_of[TERMS], paste0("c", FIXED)), "(Intercept)" = sd_of[["run"]],
    single = sd_of[["combination[one source]"]], several = sd_of[["combination"]]
  )
  stopifnot(length(groups) == 14, all(names %in% names(known)))
  unname(known[names]) / sd_of[["residual"]]
}

all_rows <- list()
critical <- list()
designs <- lapply(sizes$n_runs, function(size) {
  rows <- rows_of(size)
  at <- mean(plan$n_star[seq_len(size)][plan$strategy[seq_len(size)] != "SS-R"])
  pairs <- pairs_at(0)
  p <- c(n_star = critical_p(rows, slopes), strategy = critical_p(rows, rbind(pairs, pairs_at(at))))
  list(size = size, rows = rows, pairs = pairs, p = p, start = order_of_theta(rows))
})
write.csv(do.call(rbind, lapply(designs, function(one) {
  data.frame(n_runs = one$size, family = names(one$p), critical_p = one$p)
})), file.path(folder, "critical.csv"), row.names = FALSE)

truth <- effect[TERMS]
began <- proc.time()[["elapsed"]]
for (study in seq_len(n_studies)) {
  scores <- draw_scores()
  for (one in designs) {
    rows <- one$rows
    own <- scores[seq_len(one$size), ]
    rows$z <- as.vector(sweep(own, 2, colMeans(own)))
    warned <- FALSE
    fit <- withCallingHandlers(fitted_to(rows, one$start), warning = function(said) {
      warned <<- TRUE
      invokeRestart("muffleWarning")
    })
    weights <- rbind(slopes, one$pairs)
    tests <- contest(fit, weights, joint = FALSE, ddf = "Satterthwaite", confint = TRUE, level = 0.95)
    all_rows[[length(all_rows) + 1]] <- data.frame(
      n_runs = one$size, study = study, effect = rownames(weights), estimate = tests$Estimate,
      true = as.vector(weights %*% truth), se = tests[["Std. Error"]], df = tests$df, p = tests[["Pr(>|t|)"]],
      significant = tests[["Pr(>|t|)"]] < one$p[rep(c("n_star", "strategy"), c(5, 15))],
      half_width = (tests$upper - tests$lower) / 2, singular = isSingular(fit, tol = 1e-4), warned = warned
    )
  }
  if (study %% 10 == 0) {
    cat(study, "studies,", round(proc.time()[["elapsed"]] - began), "s\n", file = stderr())
    write.csv(do.call(rbind, all_rows), file.path(folder, "studies.csv"), row.names = FALSE)
  }
}
write.csv(do.call(rbind, all_rows), file.path(folder, "studies.csv"), row.names = FALSE)
