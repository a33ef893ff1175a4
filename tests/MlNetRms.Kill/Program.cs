using System.Globalization;
using MlNetRms.Kill;

// Kills a training at random moments, restarts it, and compares its model with that of an uninterrupted training.
if (args is [Training.Verb, var folder])
    return Training.Run(folder);
int cases = args is [var count] ? int.Parse(count, CultureInfo.InvariantCulture) : 100;
return new Killer(cases).Run();
