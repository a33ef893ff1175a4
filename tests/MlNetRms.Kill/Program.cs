using System.Globalization;
using MlNetRms.Kill;

// Kills a training at random moments, starts it again, and compares its model with that of a training that nothing happened to.
if (args is [Training.Verb, var folder])
    return Training.Run(folder);
int cases = args is [var count] ? int.Parse(count, CultureInfo.InvariantCulture) : 100;
return new Killer(cases).Run();
