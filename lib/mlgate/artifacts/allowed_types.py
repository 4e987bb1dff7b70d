"""The names that a pipeline.pkl may contain. `allow` under [artifacts] in gate.toml adds to them."""

from mlgate.artifacts import table_stand_ins
from mlgate.artifacts.refusals import type_name

FUNCTIONS = {f"numpy.{name}" for name in table_stand_ins.ELEMENTWISE} | set(map(type_name, table_stand_ins.SCORES))

# What a file may name, exactly as it is written in the file. A test fits them all, and holds the list to just these.
ALLOWED = frozenset({
    # arrays, as joblib and as pickle (protocols 2 to 5) write them: see STAND_INS
    "joblib.numpy_pickle.NumpyArrayWrapper", "numpy.ndarray", "numpy.dtype", "_codecs.encode",
    "numpy._core.multiarray._reconstruct", "numpy._core.multiarray.scalar", "numpy._core.numeric._frombuffer",
    # the `dtype` of a vectoriser
    "numpy.float32", "numpy.float64", "numpy.int64",
    # text to numbers
    "sklearn.feature_extraction.text.CountVectorizer", "sklearn.feature_extraction.text.HashingVectorizer",
    "sklearn.feature_extraction.text.TfidfTransformer", "sklearn.feature_extraction.text.TfidfVectorizer",
    # steps
    "sklearn.pipeline.Pipeline", "sklearn.pipeline.FeatureUnion", "sklearn.decomposition._truncated_svd.TruncatedSVD",
    "sklearn.preprocessing._data.MaxAbsScaler", "sklearn.preprocessing._data.Normalizer",
    "sklearn.preprocessing._data.StandardScaler",
    # linear classifiers, and the losses that SGD keeps
    "sklearn.linear_model._logistic.LogisticRegression", "sklearn.linear_model._logistic.LogisticRegressionCV",
    "sklearn.linear_model._perceptron.Perceptron", "sklearn.linear_model._ridge.RidgeClassifier",
    "sklearn.linear_model._stochastic_gradient.SGDClassifier", "sklearn.svm._classes.LinearSVC",
    "sklearn.linear_model._sgd_fast.Hinge", "sklearn.linear_model._sgd_fast.ModifiedHuber",
    "sklearn.linear_model._sgd_fast.SquaredHinge", "sklearn._loss._loss.CyHalfBinomialLoss",
    "sklearn.preprocessing._label.LabelBinarizer",
    # naive Bayes
    "sklearn.naive_bayes.BernoulliNB", "sklearn.naive_bayes.ComplementNB", "sklearn.naive_bayes.GaussianNB",
    "sklearn.naive_bayes.MultinomialNB",
    # trees
    "sklearn.tree._classes.DecisionTreeClassifier", "sklearn.tree._classes.ExtraTreeClassifier",
    "sklearn.tree._tree.Tree", "sklearn.ensemble._forest.ExtraTreesClassifier",
    "sklearn.ensemble._forest.RandomForestClassifier", "sklearn.ensemble._weight_boosting.AdaBoostClassifier",
    # around other classifiers
    "sklearn.calibration.CalibratedClassifierCV", "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration", "sklearn.dummy.DummyClassifier",
    "sklearn.ensemble._voting.VotingClassifier", "sklearn.preprocessing._label.LabelEncoder",
    "sklearn.utils._bunch.Bunch",
    # tables: columns
    "sklearn.compose._column_transformer.ColumnTransformer",
    "sklearn.compose._column_transformer.make_column_selector", "sklearn.impute._base.SimpleImputer",
    "sklearn.impute._base.MissingIndicator", "sklearn.preprocessing._encoders.OneHotEncoder",
    "sklearn.preprocessing._encoders.OrdinalEncoder", "sklearn.preprocessing._data.MinMaxScaler",
    "sklearn.preprocessing._data.RobustScaler", "sklearn.decomposition._pca.PCA",
    "sklearn.preprocessing._function_transformer.FunctionTransformer", "sklearn.utils.validation.check_array",
    "sklearn.feature_selection._univariate_selection.SelectKBest",
    # tables: classifiers and regressors (nearest neighbours of texts are too large: they keep all of them)
    "sklearn.linear_model._ridge.Ridge", "sklearn.linear_model._base.LinearRegression",
    "sklearn.linear_model._coordinate_descent.Lasso", "sklearn.linear_model._coordinate_descent.ElasticNet",
    "sklearn.svm._classes.SVC", "sklearn.svm._classes.SVR", "sklearn.neighbors._classification.KNeighborsClassifier",
    "sklearn.neighbors._regression.KNeighborsRegressor", "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.neighbors._ball_tree.BallTree", "sklearn.metrics._dist_metrics.EuclideanDistance64",
    "sklearn.neural_network._multilayer_perceptron.MLPClassifier",
    "sklearn.neural_network._multilayer_perceptron.MLPRegressor",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    "sklearn.tree._classes.DecisionTreeRegressor", "sklearn.tree._classes.ExtraTreeRegressor",
    "sklearn.ensemble._forest.RandomForestRegressor",
    "sklearn.ensemble._forest.ExtraTreesRegressor", "sklearn.ensemble._stacking.StackingClassifier",
    "sklearn.ensemble._gb.GradientBoostingClassifier", "sklearn.ensemble._gb.GradientBoostingRegressor",
    "sklearn.ensemble._hist_gradient_boosting.gradient_boosting.HistGradientBoostingClassifier",
    "sklearn.ensemble._hist_gradient_boosting.gradient_boosting.HistGradientBoostingRegressor",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper", "sklearn.dummy.DummyRegressor",
    # the losses that boosting keeps
    "sklearn._loss.link.Interval", "sklearn._loss.link.IdentityLink", "sklearn._loss.link.LogLink",
    "sklearn._loss.link.LogitLink", "sklearn._loss.link.HalfLogitLink", "sklearn._loss.link.MultinomialLogit",
    "sklearn._loss.loss.AbsoluteError", "sklearn._loss.loss.ExponentialLoss", "sklearn._loss.loss.HalfBinomialLoss",
    "sklearn._loss.loss.HalfMultinomialLoss", "sklearn._loss.loss.HalfPoissonLoss",
    "sklearn._loss.loss.HalfSquaredError", "sklearn._loss.loss.HuberLoss", "sklearn._loss.loss.PinballLoss",
    "sklearn._loss._loss.CyAbsoluteError", "sklearn._loss._loss.CyExponentialLoss",
    "sklearn._loss._loss.CyHalfMultinomialLoss", "sklearn._loss._loss.CyHalfPoissonLoss",
    "sklearn._loss._loss.CyHalfSquaredError", "sklearn._loss._loss.CyHuberLoss", "sklearn._loss._loss.CyPinballLoss",
}) | FUNCTIONS | table_stand_ins.STAND_INS.keys()  # fmt: skip
