# Marginal means and pairs of data sets of nlme, lme4, lmerTest and emmeans, and likelihood ratios, as JSON:
#   Rscript means.R > means.json
# lmer with lmerTest (REML), emmeans with Satterthwaite's degrees of freedom, anova() of two fits by maximum likelihood.
suppressMessages({library(lme4); library(lmerTest); library(emmeans); library(jsonlite)})
emm_options(lmer.df = "satterthwaite", lmerTest.limit = 1e5, pbkrtest.limit = 0)
tight <- lmerControl(optCtrl = list(xtol_abs = 1e-12, ftol_abs = 1e-12, maxeval = 100000), calc.derivs = FALSE)
from <- function(package, name) {
  data(list = name, package = package, envir = environment())
  d <- as.data.frame(get(name))
  for (column in names(d)) if (is.factor(d[[column]])) d[[column]] <- as.character(d[[column]])
  d[complete.cases(d), ]
}
best_of <- function(formula, data, reml = TRUE) {
  lmer <- function(...) suppressMessages(suppressWarnings(lmerTest::lmer(formula, data, REML = reml, control = tight, ...)))
  fit <- lmer()
  for (again in 1:5) fit <- lmer(start = getME(fit, "theta"))
  polished <- tryCatch({  # lmer's own search stops short; this one goes on with a gradient
    f <- suppressMessages(lme4::lmer(formula, data, REML = reml, control = tight, devFunOnly = TRUE))
    theta <- getME(fit, "theta")
    free <- theta > 1e-4
    at <- function(x) { theta[free] <- x; f(theta) }
    theta[free] <- optim(theta[free], at, method = "BFGS", control = list(reltol = 1e-16, maxit = 200))$par
    lmer(start = theta)
  }, error = function(e) fit)
  if (logLik(polished) >= logLik(fit)) polished else fit
}
case <- function(data, formula, factor, drop) {
  assign("data_now", data, envir = globalenv())  # where emmeans looks for it
  fit <- best_of(formula, data)
  fixed <- summary(fit, ddf = "Satterthwaite")$coefficients
  means <- emmeans(fit, factor, data = data)
  shown <- function(of, name) { s <- as.data.frame(of); list(name = as.character(s[[1]]), estimate = s[[name]], se = s$SE, df = s$df) }
  by_ml <- best_of(formula, data, FALSE)
  smaller <- best_of(update(formula, paste(". ~ . -", drop)), data, FALSE)
  ratio <- suppressMessages(anova(smaller, by_ml))
  list(data = data, formula = unbox(paste(deparse(formula, width.cutoff = 500), collapse = " ")), factor = unbox(factor),
       criterion = unbox(as.numeric(REMLcrit(fit))), terms = rownames(fixed), estimate = unname(fixed[, 1]),
       se = unname(fixed[, 2]), df = unname(fixed[, 3]), means = shown(means, "emmean"),
       pairs = shown(pairs(means, adjust = "none"), "estimate"),
       smaller = unbox(paste(deparse(formula(smaller), width.cutoff = 500), collapse = " ")),
       chisq = unbox(ratio$Chisq[2]), chisq_df = unbox(ratio$Df[2]))
}
set.seed(2019)
uneven <- function(d, share = 0.15) d[sort(sample(nrow(d), round((1 - share) * nrow(d)))), ]
ham <- from("lmerTest", "ham")
carrots <- from("lmerTest", "carrots")
carrots <- carrots[as.integer(factor(carrots$Consumer)) <= 45, c("Preference", "Consumer", "Product", "sens1", "Homesize")]
bdf <- from("nlme", "bdf")
bdf <- bdf[order(as.character(bdf$schoolNR)), ][1:600, c("schoolNR", "langPOST", "IQ.verb", "sex", "Minority")]
names(bdf) <- c("school", "language", "iq", "sex", "minority")
bdf$minority <- as.character(bdf$minority)
tv <- from("lmerTest", "TVbo")[, c("Assessor", "TVset", "Repeat", "Picture", "Sharpnessofmovement")]
orthodont <- transform(from("nlme", "Orthodont"), age = age - 11)
cases <- list(
  Oats = case(uneven(from("nlme", "Oats")), yield ~ nitro + Variety + (1 | Block / Variety), "Variety", "Variety"),
  Orthodont = case(uneven(orthodont), distance ~ age * Sex + (age | Subject), "Sex", "age:Sex"),
  Machines = case(uneven(from("nlme", "Machines")), score ~ Machine + (1 | Worker / Machine), "Machine", "Machine"),
  ergoStool = case(from("nlme", "ergoStool"), effort ~ Type + (1 | Subject), "Type", "Type"),
  Alfalfa = case(from("nlme", "Alfalfa"), Yield ~ Variety * Date + (1 | Block / Variety), "Date", "Variety:Date"),
  Pixel = case(from("nlme", "Pixel"), pixel ~ day + I(day^2) + Side + (day | Dog) + (1 | Side:Dog), "Side", "Side"),
  Meat = case(from("nlme", "Meat"), score ~ Storage + (1 | Block) + (1 | Pair), "Storage", "Storage"),
  bdf = case(bdf, language ~ iq + sex * minority + (1 | school), "sex", "sex:minority"),
  ham = case(uneven(ham), Informed.liking ~ Product * Information + (1 | Consumer) + (1 | Consumer:Product), "Product", "Product:Information"),
  carrots = case(carrots, Preference ~ sens1 + Homesize + (1 + sens1 || Consumer) + (1 | Product), "Homesize", "Homesize"),
  TVbo = case(uneven(tv), Sharpnessofmovement ~ TVset + Picture + (1 | Assessor) + (1 | Assessor:TVset), "TVset", "Picture"),
  feedlot = case(from("emmeans", "feedlot"), swt ~ ewt + diet + (1 | herd), "diet", "diet")
)
cat(toJSON(c(cases, list(versions = list(R = unbox(as.character(getRversion())),
  lme4 = unbox(as.character(packageVersion("lme4"))), lmerTest = unbox(as.character(packageVersion("lmerTest"))),
  emmeans = unbox(as.character(packageVersion("emmeans")))))), digits = NA, na = "null"), "\n")
