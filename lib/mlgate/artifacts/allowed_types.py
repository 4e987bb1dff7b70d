"""The names that a pipeline.pkl may contain. `allow` under [artifacts] in gate.toml adds to them."""

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
    # steps (not SelectKBest: its score function is a callable)
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
    # trees (not gradient boosting: it keeps a random generator and a dozen private types)
    "sklearn.tree._classes.DecisionTreeClassifier", "sklearn.tree._classes.ExtraTreeClassifier",
    "sklearn.tree._tree.Tree", "sklearn.ensemble._forest.ExtraTreesClassifier",
    "sklearn.ensemble._forest.RandomForestClassifier", "sklearn.ensemble._weight_boosting.AdaBoostClassifier",
    # around other classifiers (not nearest neighbours: they keep the training texts, as sparse matrices)
    "sklearn.calibration.CalibratedClassifierCV", "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration", "sklearn.dummy.DummyClassifier",
    "sklearn.ensemble._voting.VotingClassifier", "sklearn.preprocessing._label.LabelEncoder",
    "sklearn.utils._bunch.Bunch",
})  # fmt: skip
